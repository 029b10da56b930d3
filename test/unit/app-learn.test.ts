/** The cards of the lessons: how long they are, and that each says what is measured. */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { allocate, budgetBits } from '../../src/allocate/allocate.ts';
import { CARDS, MOST_WORDS } from '../../src/app/learn/cards.ts';
import { LAST_QUESTIONS } from '../../src/app/learn/last-questions.ts';
import { LESSON_TITLES, lessonTitle } from '../../src/app/learn/titles.ts';
import { formatRoute, parseRoute } from '../../src/app/state/route.ts';
import { meanDivergence, sameChoice } from '../../src/learn/data/cost.ts';
import { bestAmount, makeUp } from '../../src/learn/data/make-up.ts';
import { recipe } from '../../src/learn/data/menu.ts';
import { allocationModules, equalChoice, sumOf } from '../../src/learn/data/share.ts';
import type { StoredMeasurement, StoredModule, StoredOutputs } from '../../src/learn/data/stored-lessons.ts';
import { STORY } from '../../src/learn/data/story.ts';
import {
  addToHessian,
  diagonalOf,
  loudestShare,
  outputChange,
  power,
  type TextData,
} from '../../src/learn/data/text-data.ts';
import type { Lesson } from '../../src/learn/lesson.ts';
import { openLesson } from '../support/lesson.ts';

const stored = <T>(name: string): T => JSON.parse(readFileSync(`public/lessons/${name}.json`, 'utf8')) as T;

const measurement = stored<StoredMeasurement>('measurement');
const outputs = stored<StoredOutputs>('outputs');
const attention = measurement.modules.filter(({ key }) => key.endsWith('self_attn'));

describe.each(LESSON_TITLES.map((title, i) => ({ title, card: CARDS[i]!, number: i + 1 })))(
  'card $number, $title',
  ({ title, card, number }) => {
    test(`has at most ${MOST_WORDS} words`, () => {
      const words = [title, card.text, card.question, card.answer].join(' ').split(/\s+/);
      expect(words.length).toBeLessThanOrEqual(MOST_WORDS);
      expect(card.choices[card.right]).toBeDefined();
    });

    test('has an address and a title of its own', () => {
      expect(parseRoute(`#learn=${number}`)).toEqual({ screen: 'learn', card: number });
      expect(formatRoute({ screen: 'learn', card: number })).toBe(`#learn=${number}`);
      expect(lessonTitle(number)).toBe(`How EXL2 works, ${number} of 8: ${title}`);
    });
  },
);

describe.each(LAST_QUESTIONS)('the last question: $question', ({ question, choices, right, answer }) => {
  test('has an answer of its own to each choice, in few words; the right one begins with yes', () => {
    expect(answer).toHaveLength(choices.length);
    for (const [i, each] of (answer as readonly string[]).entries()) {
      expect([i, each.startsWith('Yes. ')]).toEqual([i, i === right]);
      expect([question, each].join(' ').split(/\s+/).length).toBeLessThanOrEqual(MOST_WORDS);
    }
  });
});

test('an address that names no card opens the first', () => {
  for (const hash of ['#learn', '#learn=0', '#learn=9', '#learn=x', '#learn=1.5'])
    expect(parseRoute(hash)).toEqual({ screen: 'learn', card: 1 });
});

describe('what the cards say', () => {
  let lesson: Lesson;
  let text: TextData;
  let h: Float64Array;

  beforeAll(async () => {
    lesson = await openLesson();
    text = lesson.read(STORY);
    h = new Float64Array(text.k ** 2);
    addToHessian(h, text, 0, text.tokens.length);
  });

  // Of card 1 and 5: test/unit/learn.test.ts, which is about the ruler and the trap.

  test('2: the loudest tenth of the inputs holds over a third of the power, and not nearly all', () => {
    const share = loudestShare(diagonalOf(h, text.k));
    expect(share).toBeGreaterThan(1 / 3);
    expect(share).toBeLessThan(1 / 2);
  });

  test('3: of the three weights the second makes up for most, more than half of the error’s power', () => {
    const { rounded, others, best } = makeUp(h, text.k);
    const left = others.map((feature) => {
      const amount = bestAmount(h, text.k, rounded, feature, 1);
      const changes = [
        { feature: rounded, amount: 1 },
        { feature, amount },
      ];
      return power(outputChange(text, changes)) / power(outputChange(text, changes.slice(0, 1)));
    });
    expect(best).toBe(CARDS[2]!.right);
    expect(left.indexOf(Math.min(...left))).toBe(best);
    expect(left[best]).toBeLessThan(0.5);
    expect(left.filter((share) => share > 0.98)).toHaveLength(2);
  });

  test('4: less than half of the error remains when it is passed on, and less again with act-order', () => {
    const of = (read: TextData, compensate: boolean, actOrder: boolean) =>
      lesson.sweep(read, { bits: 3, groupSize: 32, compensate, actOrder }).losses.at(-1)!;
    expect(of(text, true, true)).toBeLessThan(of(text, true, false));
    // And for what a reader may write.
    for (const read of [
      text,
      lesson.read('The red boat.'),
      lesson.read('I have never seen a bird that could sing.'),
    ])
      expect(of(read, true, false) / of(read, false, false)).toBeLessThan(0.5);
  });
});

/** Bits of each linear's codes, averaged over its rows, of a recipe. */
function codeBits(module: StoredModule, index: number): Record<string, number> {
  const { linears } = recipe(measurement, module, index);
  return Object.fromEntries(
    linears.map(({ name, parts }) => [name, parts.reduce((sum, { bits, share }) => sum + bits * share, 0)]),
  );
}

const solver = (bits: number): readonly number[] => {
  const modules = allocationModules(measurement);
  return allocate(modules, budgetBits(modules, bits)).choice;
};

test('6: starving q hurts attention least in each of the six layers; the solver gives q the fewest bits and v the most', () => {
  expect(attention).toHaveLength(6);
  const choice = solver(4);
  for (const module of attention) {
    const recipes = module.candidates.map((_, i) => recipe(measurement, module, i));
    const starved = recipes.filter((each) => each.starved).sort((a, b) => a.error - b.error);
    expect(starved.map((each) => each.starved).sort()).toEqual(['k_proj', 'o_proj', 'q_proj', 'v_proj']);
    expect(starved[0]!.starved).toBe('q_proj');
    const bits = codeBits(module, choice[measurement.modules.indexOf(module)]!);
    expect(bits['q_proj']).toBe(Math.min(...Object.values(bits)));
    expect(bits['v_proj']).toBe(Math.max(...Object.values(bits)));
  }
  expect(CARDS[5]!.choices[CARDS[5]!.right]).toBe('q');
});

test('7: from 4 bits per weight the solver makes a little less error than the same bits for everyone', () => {
  const equal = sumOf(measurement, equalChoice(measurement, 4));
  const best = sumOf(measurement, solver(4));
  for (const { bitsPerWeight } of [equal, best]) {
    expect(bitsPerWeight).toBeLessThanOrEqual(4);
    expect(bitsPerWeight).toBeGreaterThan(3.98);
  }
  expect(best.error / equal.error).toBeLessThan(1);
  expect(best.error / equal.error).toBeGreaterThan(0.95);
});

test('8: at 2.5 bits two in three likeliest tokens are the same, at 6 nearly all, in half the size', () => {
  const [original, ...others] = outputs.outputs;
  expect(others.map(({ bits }) => bits)).toEqual([2.5, 3, 4, 6]);
  expect(outputs.texts).toHaveLength(4);
  const same = others.map((output) => sameChoice(original!, output));
  expect(same[0]).toBeGreaterThan(0.6);
  expect(same[0]).toBeLessThan(0.72);
  expect(same[3]).toBeGreaterThan(0.95);
  expect(others[3]!.bytes / original!.bytes).toBeLessThan(0.5);
  const divergences = others.map(meanDivergence);
  expect(divergences).toEqual(divergences.toSorted((a, b) => b - a));
});
