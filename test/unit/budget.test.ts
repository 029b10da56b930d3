import { describe, expect, test } from 'vitest';
import { type Budget, chooseBudget, heapMemory, learnBudget } from '../../src/autotune/budget.ts';
import type { SpeedStore } from '../../src/autotune/kept-speeds.ts';
import { defaultBudget } from '../../src/gpu/device.ts';

const GIB = 2 ** 30;
const info = { vendor: 'intel', architecture: 'xe', device: 'arc', description: 'Arc' } as GPUAdapterInfo;
const nothing = async () => undefined;

function memoryStore(): SpeedStore {
  const entries = new Map<string, unknown>();
  return {
    read: async (key) => entries.get(key),
    write: async (key, value) => void entries.set(key, value),
  };
}

const choose = (store = memoryStore(), find = nothing as Parameters<typeof chooseBudget>[0]['find']) =>
  chooseBudget({ info, software: false, find, store });

describe('the budget', () => {
  test('is what the user gave, whatever is there', async () => {
    const find = () => Promise.reject(new Error('asked'));
    const budget = await chooseBudget({ info, software: false, given: 3 * GIB, find, store: memoryStore() });
    expect(budget).toEqual({ bytes: 3 * GIB, why: '', isTrial: false });
  });

  test('of software is fixed', async () => {
    const find = () => Promise.reject(new Error('asked'));
    const budget = await chooseBudget({ info, software: true, find, store: memoryStore() });
    expect(budget).toEqual({ bytes: defaultBudget(true), why: '', isTrial: false });
  });

  test.each([
    [24, 22, 18.7, ' of 24.0 GiB, of which 22.0 GiB are free, found by nvidia-smi'],
    // One GiB is left.
    [6, 5, 4, ' of 6.00 GiB, of which 5.00 GiB are free, found by nvidia-smi'],
    // But no more than half.
    [8, 1.5, 0.75, ' of 8.00 GiB, of which 1.50 GiB are free, found by nvidia-smi'],
    [24, undefined, 20.4, ' of 24.0 GiB, found by nvidia-smi'],
  ])('of %f GiB with %s free is most of them', async (total, free, expected, why) => {
    const found = { total: total * GIB, ...(free !== undefined && { free: free * GIB }), by: 'nvidia-smi' };
    const budget = await choose(memoryStore(), async () => found);
    expect(budget).toEqual({ bytes: Math.floor(expected * GIB), why, isTrial: false });
  });

  test('where nothing tells is a guess', async () => {
    expect(await choose()).toMatchObject({ bytes: 6 * GIB, isTrial: true });
  });

  test('counts what is kept of it for damaged', async () => {
    const store: SpeedStore = { read: async () => ({ bytes: -1 }), write: async () => {} };
    expect(await choose(store)).toMatchObject({ bytes: 6 * GIB });
  });
});

describe('a job with a guessed budget', () => {
  /** What the next job gets. @param held of the budget, in GiB; `trusted`: what the driver has left of it. */
  async function next(store: SpeedStore, budget: Budget, held: number, trusted?: number): Promise<Budget> {
    const failures = trusted === undefined ? 0 : 1;
    const mostTrusted = trusted === undefined ? budget.bytes : trusted * GIB;
    await learnBudget(store, info, budget, { failures, mostTrusted, peak: held * GIB });
    return choose(store);
  }

  test('that it has not used up changes nothing', async () => {
    const store = memoryStore();
    expect((await next(store, await choose(store), 5)).bytes).toBe(6 * GIB);
  });

  test('that it has used up leaves half as much again, up to a limit', async () => {
    const store = memoryStore();
    const sizes: number[] = [];
    for (let jobs = 0; jobs < 6; jobs++) {
      const budget = await choose(store);
      sizes.push(budget.bytes / GIB);
      await next(store, budget, budget.bytes / GIB);
    }
    expect(sizes).toEqual([6, 9, 13.5, 20.25, 24, 24]);
  });

  test('of which the driver refused some leaves what there was, and grows no more', async () => {
    const store = memoryStore();
    const cut = await next(store, await choose(store), 5, 4.5);
    expect(cut).toMatchObject({ bytes: 4.5 * GIB, why: ', as the driver has refused more' });
    expect((await next(store, cut, 4.5)).bytes).toBe(4.5 * GIB);
  });

  test('teaches nothing where the budget was found', async () => {
    const store = memoryStore();
    const found = await choose(store, async () => ({ total: 24 * GIB, by: 'nvidia-smi' }));
    expect((await next(store, found, 20, 10)).bytes).toBe(6 * GIB);
  });

  test('that several workers share counts for all of it', async () => {
    const store = memoryStore();
    const budget = await choose(store);
    await learnBudget(store, info, budget, { failures: 1, mostTrusted: 2 * GIB, peak: 2 * GIB }, 2);
    expect((await choose(store)).bytes).toBe(4 * GIB);
  });
});

test('of the heaps that an adapter lists the largest of its own counts', () => {
  // Its own, main memory, and its own as the CPU sees it.
  const memoryHeaps = [
    { properties: 1, size: 12884901888 },
    { properties: 14, size: 50475417600 },
    { properties: 7, size: 257949696 },
  ];
  expect(heapMemory({ ...info, memoryHeaps } as unknown as GPUAdapterInfo)).toEqual({
    ...{ total: 12884901888, by: 'WebGPU' },
  });
  expect(heapMemory(info)).toBeUndefined();
});
