/** Files of a browser that answers late, or never. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fileSource, READ_LIMIT_MS } from '../../src/io/platform/file-source.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const BYTES = Uint8Array.of(1, 2, 3).buffer;

/** A file of three bytes whose reads are answered as told, one after the other; counts them. */
function setUp(...answers: (() => Promise<ArrayBuffer>)[]) {
  const arrayBuffer = vi.fn(() => answers.shift()!());
  const source = fileSource({ size: 3, slice: () => ({ arrayBuffer }) } as unknown as Blob, 'x/a');
  return { source, asked: () => arrayBuffer.mock.calls.length };
}

const never = () => new Promise<never>(() => {});

test('a read that is never answered is asked for again, each time after twice as long', async () => {
  const { source, asked } = setUp(never, never, async () => BYTES);
  const read = source.read(0, 3);
  await vi.advanceTimersByTimeAsync(READ_LIMIT_MS - 1);
  expect(asked()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked()).toBe(2);
  await vi.advanceTimersByTimeAsync(2 * READ_LIMIT_MS - 1);
  expect(asked()).toBe(2);
  await vi.advanceTimersByTimeAsync(1);
  expect([...(await read)]).toEqual([1, 2, 3]);
  expect(asked()).toBe(3);
});

test('one that is answered late counts all the same', async () => {
  let answer: (bytes: ArrayBuffer) => void = () => {};
  const late = new Promise<ArrayBuffer>((resolve) => {
    answer = resolve;
  });
  const { source } = setUp(() => late, never);
  const read = source.read(0, 3);
  await vi.advanceTimersByTimeAsync(READ_LIMIT_MS);
  answer(BYTES);
  expect([...(await read)]).toEqual([1, 2, 3]);
  expect(vi.getTimerCount()).toBe(0);
});

test('one that fails is told of at once', async () => {
  const { source, asked } = setUp(() => Promise.reject(new DOMException('gone', 'NotFoundError')));
  await expect(source.read(0, 3)).rejects.toThrow('x/a');
  expect(asked()).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});
