import { expect, test } from 'vitest';
import { type AllocationModule, allocate, budgetBits, roughChoice } from '../../src/allocate/allocate.ts';
import { type KnapsackClasses, solveKnapsack } from '../../src/allocate/knapsack.ts';
import { InputError } from '../../src/util/errors.ts';
import { seededRandom } from '../../src/util/random.ts';

/** Modules whose candidates err less the more bits they take, but not always. */
function randomModules(count: number, candidates: number, seed: number): AllocationModule[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const weights = 1000 + Math.floor(random() * 5000);
    const harm = 0.02 + random() * 0.1;
    return {
      key: `module ${i}`,
      weights,
      candidates: Array.from({ length: candidates }, () => {
        const bits = 2 + 6 * random();
        return {
          totalBits: Math.floor(bits * weights),
          error: harm * 2 ** (3 - bits) * (0.7 + 0.6 * random()),
        };
      }),
    };
  });
}

const toClasses = (modules: readonly AllocationModule[], norm: number): KnapsackClasses =>
  modules.map(({ candidates }) =>
    candidates.map(({ totalBits, error }) => ({ value: error ** norm, cost: totalBits })),
  );

/** The least sum of values within the budget, by trying everything. */
function bruteForce(classes: KnapsackClasses, budget: number): number {
  const least = (at: number, left: number): number => {
    if (left < 0) return Number.POSITIVE_INFINITY;
    const options = classes[at];
    if (!options) return 0;
    return Math.min(...options.map(({ value, cost }) => value + least(at + 1, left - cost)));
  };
  return least(0, budget);
}

const sumOf = (classes: KnapsackClasses, choice: readonly number[]): number =>
  choice.reduce((sum, option, i) => sum + classes[i]![option]!.value, 0);
const costOf = (classes: KnapsackClasses, choice: readonly number[]): number =>
  choice.reduce((sum, option, i) => sum + classes[i]![option]!.cost, 0);

const instances = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((seed) =>
  [2.3, 3, 4, 5, 7.9].map((target) => ({ seed, target, modules: randomModules(6, 5, seed) })),
);

test('the knapsack is solved as by trying everything', () => {
  let solved = 0;
  for (const { target, modules } of instances) {
    const budget = budgetBits(modules, target);
    for (const norm of [1.5, 2.2, 3.5]) {
      const classes = toClasses(modules, norm);
      const best = bruteForce(classes, budget);
      if (best === Number.POSITIVE_INFINITY) continue;
      const { choice, bound } = solveKnapsack(classes, budget);
      expect(costOf(classes, choice)).toBeLessThanOrEqual(budget);
      expect(sumOf(classes, choice)).toBeCloseTo(best, 14);
      expect(bound).toBeCloseTo(best, 14);
      solved++;
    }
  }
  expect(solved).toBeGreaterThan(60);
});

test('the bound holds when the search drops choices', () => {
  let notProven = 0;
  for (const { target, modules } of instances) {
    const budget = budgetBits(modules, target);
    const classes = toClasses(modules, 2.2);
    const best = bruteForce(classes, budget);
    if (best === Number.POSITIVE_INFINITY) continue;
    for (const beam of [1, 2, 5]) {
      const { choice, bound } = solveKnapsack(classes, budget, beam);
      expect(costOf(classes, choice)).toBeLessThanOrEqual(budget);
      expect(bound).toBeLessThanOrEqual(best * (1 + 1e-12));
      expect(sumOf(classes, choice)).toBeGreaterThanOrEqual(best * (1 - 1e-12));
      if (bound < sumOf(classes, choice) * (1 - 1e-9)) notProven++;
    }
  }
  expect(notProven).toBeGreaterThan(0);
});

test('classes of one option, equal values and a budget that is just enough', () => {
  const one = [[{ value: 3, cost: 5 }], [{ value: 2, cost: 7 }]];
  expect(solveKnapsack(one, 12)).toEqual({ choice: [0, 0], bound: 5 });
  const equal = [
    [
      { value: 1, cost: 9 },
      { value: 1, cost: 4 },
    ],
    [
      { value: 1, cost: 2 },
      { value: 1, cost: 8 },
    ],
  ];
  expect(costOf(equal, solveKnapsack(equal, 6).choice)).toBe(6);
  const opposed = [
    [
      { value: 1, cost: 10 },
      { value: 2, cost: 1 },
    ],
  ];
  expect(solveKnapsack(opposed, 1)).toEqual({ choice: [1], bound: 2 });
  expect(solveKnapsack(opposed, 10)).toEqual({ choice: [0], bound: 1 });
});

test('an allocation keeps the budget, and is at most 0.8 % above the least sum without a larger greatest error', () => {
  for (const { target, modules } of instances) {
    const budget = budgetBits(modules, target);
    const classes = toClasses(modules, 2.2);
    const best = bruteForce(classes, budget);
    if (best === Number.POSITIVE_INFINITY) {
      expect(() => allocate(modules, budget)).toThrow(InputError);
      continue;
    }
    const allocation = allocate(modules, budget);
    const errors = allocation.choice.map((candidate, i) => modules[i]!.candidates[candidate]!.error);
    const optimum = solveKnapsack(classes, budget).choice.map((c, i) => modules[i]!.candidates[c]!.error);
    expect(allocation.usedBits).toBe(costOf(classes, allocation.choice));
    expect(allocation.usedBits).toBeLessThanOrEqual(budget);
    expect(allocation.errorSum).toBeLessThanOrEqual(best * 1.0080001);
    expect(allocation.bound).toBeCloseTo(best, 14);
    expect(allocation.gap).toBeCloseTo(allocation.errorSum / best - 1, 9);
    expect(allocation.largestError).toBe(Math.max(...errors));
    expect(allocation.largestError).toBeLessThanOrEqual(Math.max(...optimum));
    const logarithms = (of: number[]) => of.reduce((sum, error) => sum + Math.log(error), 0);
    expect(allocation.logErrorSum).toBeCloseTo(logarithms(errors), 9);
    expect(allocation.logErrorSum).toBeLessThanOrEqual(logarithms(optimum) + 1e-9);
  }
});

test('the same modules always get the same allocation', () => {
  const modules = randomModules(40, 19, 3);
  const budget = budgetBits(modules, 4);
  expect(allocate(modules, budget)).toEqual(allocate(structuredClone(modules), budget));
});

test('more bits never raise the least sum of errors', () => {
  const modules = randomModules(30, 17, 9);
  const bounds = [3, 3.5, 4, 5, 6, 8].map((target) => allocate(modules, budgetBits(modules, target)).bound);
  expect(bounds).toEqual(bounds.toSorted((a, b) => b - a));
});

test('a candidate that the user fixes is kept, and the rest is chosen around it', () => {
  const modules = randomModules(6, 5, 4);
  const budget = budgetBits(modules, 5);
  const free = allocate(modules, budget);
  for (const [i, { key }] of modules.entries()) {
    const pin = (free.choice[i]! + 1) % 5;
    const { choice, usedBits, bound } = allocate(modules, budget, { pinned: new Map([[key, pin]]) });
    expect(choice[i]).toBe(pin);
    expect(usedBits).toBeLessThanOrEqual(budget);
    expect(bound).toBeGreaterThanOrEqual(free.bound);
  }
});

test('fixing what is not there is refused', () => {
  const modules = randomModules(2, 3, 1);
  const pin = (key: string, candidate: number) => () =>
    allocate(modules, 1e9, { pinned: new Map([[key, candidate]]) });
  expect(pin('lm_head', 0)).toThrow('A candidate is fixed for lm_head, which is no measured module.');
  expect(pin('module 1', 3)).toThrow('Candidate 3 is fixed for module 1, which has 0…2.');
  expect(pin('module 1', -1)).toThrow(InputError);
});

test('too small a budget names what is possible, and that is possible', () => {
  const modules = randomModules(5, 4, 6);
  const target = 1;
  const message = (() => {
    try {
      allocate(modules, budgetBits(modules, target));
      return '';
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      return (error as InputError).message;
    }
  })();
  const [, lowest, highest] =
    message.match(/1\.000 bits per weight is too little: .* allow ([\d.]+) to ([\d.]+)\./) ?? [];
  expect(Number(lowest)).toBeGreaterThan(1);
  expect(Number(highest)).toBeGreaterThan(Number(lowest));
  expect(allocate(modules, budgetBits(modules, Number(lowest))).bitsPerWeight).toBeLessThanOrEqual(
    Number(lowest),
  );
});

test('errors of zero are no obstacle', () => {
  const modules = randomModules(3, 3, 2).map((module) => ({
    ...module,
    candidates: [...module.candidates, { totalBits: 8 * module.weights, error: 0 }],
  }));
  const allocation = allocate(modules, budgetBits(modules, 8));
  expect(allocation).toMatchObject({ choice: [3, 3, 3], errorSum: 0, largestError: 0, gap: 0 });
  expect(Number.isFinite(allocation.logErrorSum)).toBe(true);
});

test('the rough choice keeps to the budget, and none that takes as many bits errs less', () => {
  let feasible = 0;
  for (const { target, modules } of instances) {
    const budget = budgetBits(modules, target);
    const classes = toClasses(modules, 2.2);
    const choice = roughChoice(modules, budget);
    const least = classes.reduce((sum, options) => sum + Math.min(...options.map(({ cost }) => cost)), 0);
    const taken = costOf(classes, choice);
    if (least > budget) {
      expect(taken).toBe(least);
      continue;
    }
    feasible++;
    expect(taken).toBeLessThanOrEqual(budget);
    expect(sumOf(classes, choice)).toBeCloseTo(bruteForce(classes, taken), 12);
  }
  expect(feasible).toBeGreaterThan(20);
});

test('of two modules the one that errs more gets the bits', () => {
  const sized = (...errors: number[]) => ({
    candidates: errors.map((error, i) => ({ totalBits: (2 + i) * 1e6, error })),
  });
  const modules = [sized(0.1, 0.09, 0.08), sized(0.4, 0.2, 0.05)];
  expect(roughChoice(modules, 8e6)).toEqual([2, 2]);
  expect(roughChoice(modules, 6e6)).toEqual([0, 2]);
  expect(roughChoice(modules, 4e6)).toEqual([0, 0]);
  expect(roughChoice(modules, 2e6)).toEqual([0, 0]);
  expect(roughChoice([], 4)).toEqual([]);
});
