import { describe, expect, test } from 'vitest';
import {
  costOf,
  hasPart,
  nextTask,
  startingIndexes,
  type Task,
  type WorkerLoad,
  withoutPart,
} from '../../src/distribute/leader/schedule.ts';
import { seededRandom } from '../../src/util/random.ts';

const worker = (speed: number, left = 0, position = 0): WorkerLoad => ({ speed, left, position });
const whole = (index: number, stepCost: number): Task => ({
  index,
  from: 0,
  to: 1,
  stepCost,
  setupCost: 0,
  forwardCost: 0,
});
const tasks = (...costs: number[]): Task[] => costs.map((cost, index) => whole(index, cost));

/** Runs the plan as a simulation: the end of the last task, and who did what. */
function simulate(speeds: readonly number[], given: readonly Task[], random = () => 0.5) {
  const starts = startingIndexes(speeds.length, given);
  const workers = speeds.map((speed, i) => ({
    ...{ speed, position: starts[i] ?? 0, freeAt: 0, started: 0, doing: 0, done: [] as Task[] },
  }));
  const serving = [...workers];
  let remaining = given;
  while (remaining.length > 0) {
    const one = serving.reduce((a, b) => (b.freeAt < a.freeAt ? b : a));
    const now = one.freeAt;
    const loads = serving.map(({ speed, freeAt, started, doing, position }) => {
      const left = freeAt > now ? Math.max(0, doing - (now - started) * speed) : 0;
      return { speed, position, left };
    });
    const task = nextTask(serving.indexOf(one), loads, remaining);
    if (!task) {
      serving.splice(serving.indexOf(one), 1);
      continue;
    }
    remaining = remaining.flatMap((other) => (hasPart(other, task) ? withoutPart(other, task) : [other]));
    const passed = task.index >= one.position ? task.index - one.position : task.index + 1;
    [one.started, one.doing, one.position] = [now, costOf(task), task.index + 1];
    // Costs are estimates.
    one.freeAt = now + (costOf(task) * (0.9 + 0.2 * random()) + passed * task.forwardCost) / one.speed;
    one.done.push(task);
  }
  return { end: Math.max(...workers.map(({ freeAt }) => freeAt)), done: workers.map(({ done }) => done) };
}

const indexesOf = (done: readonly Task[]): number[] => done.map(({ index }) => index);

/** Every step of every task, once and no more. */
function expectAllDone(done: readonly (readonly Task[])[], given: readonly Task[]) {
  const steps = (all: readonly Task[]) =>
    all
      .flatMap(({ index, from, to }) => Array.from({ length: to - from }, (_, i) => `${index}.${from + i}`))
      .toSorted();
  expect(steps(done.flat())).toEqual(steps(given));
}

test('a lone worker takes tasks in their order', () => {
  const { end, done } = simulate([1], tasks(3, 5, 3, 5));
  expect([end, done.map(indexesOf)]).toEqual([16, [[0, 1, 2, 3]]]);
});

test('two workers share two layers evenly, each one after the other', () => {
  const { end, done } = simulate([1, 1], tasks(3, 5, 3, 5));
  expect([end, done.map(indexesOf)]).toEqual([
    8,
    [
      [0, 1],
      [2, 3],
    ],
  ]);
  const real = simulate([1, 1], layers(2));
  expect(real.done.map(indexesOf)).toEqual([
    [0, 1],
    [2, 3],
  ]);
});

test('workers begin where their first task is', () => {
  expect(startingIndexes(2, layers(2))).toEqual([0, 2]);
  expect(startingIndexes(4, layers(2))).toEqual([0, 1, 2, 3]);
  expect(startingIndexes(3, layers(16))).toEqual([0, 1, 2]);
  // What is measured already is left out.
  expect(startingIndexes(2, layers(16).slice(20))).toEqual([20, 21]);
  expect(startingIndexes(3, tasks(5))).toEqual([0, undefined, undefined]);
});

test('32 layers on four workers end within a task of each other', () => {
  const costs = Array.from({ length: 64 }, (_, i) => (i % 2 ? 5 : 3));
  const { end, done } = simulate([1, 1, 1, 1], tasks(...costs));
  expect(end).toBeLessThanOrEqual(64 + 5);
  // Nobody goes back more than at the end: that costs a reference pass.
  for (const own of done.map(indexesOf)) {
    const steps = own.slice(1).filter((index, i) => index < own[i]!);
    expect(steps.length).toBeLessThanOrEqual(1);
  }
});

test('a slow worker gets its share, and nothing that would hold up the end', () => {
  const { end, done } = simulate([10, 1], tasks(...Array.from({ length: 22 }, () => 1)));
  expect(end).toBeLessThanOrEqual(2.1);
  expect(done[1]!.length).toBe(2);
  expect(nextTask(1, [worker(10), worker(1)], tasks(1, 1))).toBeUndefined();
});

test('a worker that is behind goes on from where it is', () => {
  const remaining = tasks(1, 1, 1, 1, 1, 1).slice(1);
  expect(nextTask(0, [worker(1, 0, 3), worker(1)], remaining)?.index).toBe(3);
  expect(nextTask(0, [worker(1, 0, 9), worker(1)], remaining)?.index).toBe(1);
});

/** Attention and MLP module of a layer with hidden size 4096 and MLP size 14336 on an H200, about, in seconds. */
const attention = (index: number): Task => ({
  index,
  from: 0,
  to: 24,
  setupCost: 0.35,
  forwardCost: 0.11,
  stepCost: 0.06,
});
const mlp = (index: number): Task => ({
  index,
  from: 0,
  to: 21,
  setupCost: 0.55,
  forwardCost: 0.11,
  stepCost: 0.16,
});
const layers = (count: number): Task[] =>
  Array.from({ length: count }, (_, layer) => [attention(2 * layer), mlp(2 * layer + 1)]).flat();

test('four workers divide the larger modules of two layers', () => {
  const given = layers(2);
  const { end, done } = simulate([1, 1, 1, 1], given);
  expectAllDone(done, given);
  expect(done.map(indexesOf)).toEqual([[0, 1], [1], [2, 3], [3]]);
  expect(costOfAll(given) / end).toBeGreaterThan(3.2);
});

const costOfAll = (all: readonly Task[]): number => all.reduce((sum, task) => sum + costOf(task), 0);

describe.each([2, 4, 8, 16, 32])('%i layers', (count) => {
  const given = layers(count);
  test.each([2, 3, 4])('are shared by %i workers, who do not go back far', (workers) => {
    const random = seededRandom(7);
    for (let run = 0; run < 10; run++) {
      const { end, done } = simulate(
        Array.from({ length: workers }, () => 1),
        given,
        random,
      );
      expectAllDone(done, given);
      const back = done.map(indexesOf).flatMap((own) => own.slice(1).filter((index, i) => index < own[i]!));
      expect(Math.max(0, ...back)).toBeLessThan(3);
      // All run through most modules that they do not measure.
      const passing = given.length * given[0]!.forwardCost;
      expect(end).toBeLessThan(1.1 * (costOfAll(given) / workers) + passing + 0.5);
    }
  });
});

test('a module is not divided where setting it up costs as much', () => {
  const costly = [{ index: 0, from: 0, to: 10, setupCost: 10, stepCost: 0.1, forwardCost: 0 }];
  expect(simulate([1, 1], costly).done.map(indexesOf)).toEqual([[0], []]);
});

test('a worker ten times as slow gets a tenth of a task, or nothing of it', () => {
  const given = [mlp(0)];
  const { end, done } = simulate([10, 1], given);
  expectAllDone(done, given);
  expect(end).toBeLessThanOrEqual(costOfAll(given) / 10);
});
