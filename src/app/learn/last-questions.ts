import type { GuessText } from './parts/guess.tsx';

/** What the reader can answer after the last card. An answer for each choice. */
export const LAST_QUESTIONS: readonly GuessText[] = [
  {
    question: 'What is calibration text for?',
    choices: [
      'The model learns from it',
      'It shows which inputs are loud, and move together',
      'It checks the copy',
    ],
    right: 1,
    answer: [
      'It looks like training, but nothing new is learned. The text shows which inputs are loud and which move together, so that rounding errors go where they are heard least.',
      'Yes. That is H: it tells which errors reach the output, and which weights can make up for them.',
      'A copy is checked with text, but with text that was kept out. Calibration comes before: it shows which errors reach the output.',
    ],
  },
  {
    question: 'One weight is rounded. Why do others change after it?',
    choices: ['They get a new ruler', 'The average of the weights is kept', 'They cancel part of its error'],
    right: 2,
    answer: [
      'Each group gets its ruler on the way, that is true. But weights are moved before they are rounded for another reason: to cancel the error that was just made.',
      'Close: something is kept, as far as it goes, but it is the output, not the weights. Others move so that the error cancels there.',
      'Yes. Where two inputs move together, a change in one weight undoes most of an error in the other, at every token.',
    ],
  },
  {
    question: 'On its calibration text a copy looks good. Why not trust that?',
    choices: ['It was fitted to that very text', 'That text is too easy', 'It is too short to tell'],
    right: 0,
    answer: [
      'Yes. H holds the accidents of that text too, and the rounding serves them. Other text has other accidents: only text that was kept out tells what readers will get.',
      'Easy or hard, that is not it: even a hard text flatters the copy that was fitted to it. Trust only text that was kept out.',
      'More of it does help, as card 5 shows. But however long, it flatters the copy that was fitted to it. Trust only text that was kept out.',
    ],
  },
];
