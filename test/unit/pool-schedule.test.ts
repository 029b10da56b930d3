import { expect, test } from 'vitest';
import { nextTask, type Task, type WorkerLoad } from '../../src/convert/pool/schedule.ts';

const worker = (speed: number, left = 0, position = 0): WorkerLoad => ({ speed, left, position });
const tasks = (...costs: number[]): Task[] => costs.map((cost, index) => ({ index, cost }));

/** Runs the plan as a simulation: the end of the last task and who did what. */
function simulate(speeds: readonly number[], costs: readonly number[]) {
  const workers = speeds.map((speed) => ({ speed, freeAt: 0, position: 0, cost: 0, done: [] as number[] }));
  let remaining = tasks(...costs);
  const idle = new Set<number>();
  while (remaining.length > 0) {
    const free = workers
      .map((_, i) => i)
      .filter((i) => !idle.has(i))
      .reduce((a, b) => (workers[b]!.freeAt < workers[a]!.freeAt ? b : a));
    const now = workers[free]!.freeAt;
    const loads = workers.map(({ speed, freeAt, position }) => ({
      ...{ speed, position, left: Math.max(0, freeAt - now) * speed },
    }));
    const task = nextTask(free, loads, remaining);
    if (!task) {
      idle.add(free);
      continue;
    }
    remaining = remaining.filter((other) => other !== task);
    const one = workers[free]!;
    one.freeAt = now + task.cost / one.speed;
    one.position = task.index + 1;
    one.done.push(task.index);
  }
  return { end: Math.max(...workers.map(({ freeAt }) => freeAt)), done: workers.map(({ done }) => done) };
}

test('a lone worker takes tasks in their order', () => {
  expect(simulate([1], [3, 5, 3, 5])).toEqual({ end: 16, done: [[0, 1, 2, 3]] });
});

test('two workers share two layers evenly', () => {
  const { end, done } = simulate([1, 1], [3, 5, 3, 5]);
  expect(end).toBe(8);
  expect(done.flat().sort()).toEqual([0, 1, 2, 3]);
});

test('32 layers on four workers end within a task of each other', () => {
  const costs = Array.from({ length: 64 }, (_, i) => (i % 2 ? 5 : 3));
  const { end, done } = simulate([1, 1, 1, 1], costs);
  expect(end).toBeLessThanOrEqual(64 + 5);
  // Nobody goes back more than at the end: that costs a reference pass.
  for (const own of done) {
    const steps = own.slice(1).filter((index, i) => index < own[i]!);
    expect(steps.length).toBeLessThanOrEqual(1);
  }
});

test('a slow worker gets its share, and nothing that would hold up the end', () => {
  const { end, done } = simulate(
    [10, 1],
    Array.from({ length: 22 }, () => 1),
  );
  expect(end).toBeLessThanOrEqual(2.1);
  expect(done[1]!.length).toBe(2);
  expect(nextTask(1, [worker(10), worker(1)], tasks(1, 1))).toBeUndefined();
});

test('a worker that is behind goes on from where it is', () => {
  const remaining = tasks(1, 1, 1, 1, 1, 1).slice(1);
  expect(nextTask(0, [worker(1, 0, 3), worker(1)], remaining)).toEqual({ index: 3, cost: 1 });
  expect(nextTask(0, [worker(1, 0, 9), worker(1)], remaining)).toEqual({ index: 1, cost: 1 });
});
