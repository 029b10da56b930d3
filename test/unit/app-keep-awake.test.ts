import { signal } from '@preact/signals';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepAwakeWhile } from '../../src/app/platform/keep-awake.ts';

/** The locks that were asked for, each with the means to grant it. */
let asked: { grant: () => Promise<void>; held: boolean }[];

beforeEach(() => {
  asked = [];
  const request = () =>
    new Promise<object>((resolve) => {
      const release = async () => {
        lock.held = false;
      };
      const lock = {
        held: false,
        grant: async () => {
          lock.held = true;
          resolve({ release });
          await new Promise((settled) => setTimeout(settled));
        },
      };
      asked.push(lock);
    });
  const events = { addEventListener: () => {}, removeEventListener: () => {} };
  vi.stubGlobal('navigator', { wakeLock: { request } });
  vi.stubGlobal('document', { ...events, visibilityState: 'visible' });
  vi.stubGlobal('window', events);
});

afterEach(() => vi.unstubAllGlobals());

const held = () => asked.map((lock) => lock.held);

test('of locks that are granted late only the last one is kept, and it is released at the end', async () => {
  const queue = signal({ working: true });
  const undo = keepAwakeWhile(() => queue.value.working);
  queue.value = { working: true };
  queue.value = { working: true };
  for (const lock of asked) await lock.grant();
  expect(held()).toEqual([false, false, true]);
  queue.value = { working: false };
  expect(held()).toEqual([false, false, false]);
  undo();
});

test('a lock that is granted when the work is over, or the page is left, is released', async () => {
  const working = signal(true);
  const undo = keepAwakeWhile(() => working.value);
  working.value = false;
  await asked[0]!.grant();
  expect(held()).toEqual([false]);
  working.value = true;
  undo();
  await asked[1]!.grant();
  expect(held()).toEqual([false, false]);
});
