/** What the cards say. Each claim has its test in test/unit/app-learn.test.ts; a card shows 60 words at most. */

import type { GuessText } from './parts/guess.tsx';

export interface CardText extends GuessText {
  readonly text: string;
  readonly answer: string;
}

export const CARDS: readonly CardText[] = [
  {
    text: 'A weight is stored as a code: the number of a mark on a ruler. Each bit doubles the marks. The rows of a group share a ruler; its scale is one of 16 steps.',
    question: 'With one bit less, the error …',
    choices: ['grows by a tenth', 'about doubles', 'grows tenfold'],
    right: 1,
    answer: 'About doubles. Smaller groups fit better, but their scales take bits too.',
  },
  {
    text: 'Each token gives this linear 256 inputs. Step through the text and add up xᵀx: H’s diagonal is the power of each input, the rest says which move together.',
    question: 'Of all power, the loudest tenth holds …',
    choices: ['about a tenth', 'over a third', 'nearly all'],
    right: 1,
    answer: 'Over a third, in the story. H is about this linear’s output error, not single weights.',
  },
  {
    text: 'One weight of this output was rounded. The bars show what that does to the output at each token. Three other weights can still move: drag one until the bars shrink.',
    question: 'Which can make up for most?',
    choices: ['the first', 'the second', 'the third'],
    right: 1,
    answer: 'The one whose input moves with the rounded one: their entry in H is large. Two errors cancel.',
  },
  {
    text: '32 outputs, 256 rows of weights. Left, each row is only rounded. Right, its error is passed on to the rows below, as you did by hand. Columns never mix.',
    question: 'What remains of the error, right against left:',
    choices: ['nine tenths', 'two thirds', 'less than half'],
    right: 2,
    answer:
      'Less than half. Now try act-order: the loudest inputs go first, while most rows can still make up.',
  },
  {
    text: 'H comes from calibration text. Here the same weights are quantized on more and more of it, and judged twice: on that text, and on stories it never saw.',
    question: 'With more text, the error on that text …',
    choices: ['falls', 'stays', 'rises'],
    right: 2,
    answer:
      'It rises: a little text is fitted too well. On unseen stories it falls. Trust only what is measured there.',
  },
  {
    text: 'Measuring tries recipes on a module: bits and groups for each linear. Each dot is one; choose a dot to read its recipe. Some starve a single linear.',
    question: 'Starving which linear hurts attention least?',
    choices: ['q', 'k', 'v', 'o'],
    right: 0,
    answer: 'q, in each of the six layers. So good recipes give q the fewest bits, and v the most.',
  },
  {
    text: 'Twelve modules, each with its menu, and 4 bits per weight for all together. Take bits from one, give them to another, and watch the error.',
    question: 'Against the same bits for everyone, the solver makes the error …',
    choices: ['the same', 'a little smaller', 'much smaller'],
    right: 1,
    answer:
      'A little smaller: these layers are much alike, and their menus have shared out among linears already.',
  },
  {
    text: 'The original and its copy read a story that calibration never saw. Colour tells how far apart their expectations are. Choose a word: what did each expect there?',
    question: 'At 2.5 bits, the likeliest next word is the same …',
    choices: ['nearly always', 'about two times in three', 'hardly ever'],
    right: 1,
    answer: 'About two times in three; at 6 bits nearly always, in half the size of the original.',
  },
];

/** What a card shows at most, in words. */
export const MOST_WORDS = 60;
