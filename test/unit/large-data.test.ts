import { EventEmitter } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import type { Endpoint } from 'comlink';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Peer, processEndpoint } from '../../src/cli/helper/endpoint.ts';
import { LargeData, newDataFolder } from '../../src/cli/helper/large-data.ts';

let large: LargeData;
beforeEach(() => {
  large = new LargeData(newDataFolder());
});
afterEach(() => large.end());

const filled = (length: number) => Uint8Array.from({ length }, (_, i) => i % 251);
/** Far faster than what tells where they differ. */
const areEqual = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b);
const files = () => readdirSync(large.folder);

test('large arrays go through files, which are written again when they have been taken', () => {
  const big = [filled(2 ** 20), filled(2 ** 20 + 7)] as const;
  const small = { text: 'a', none: null, ids: Int32Array.of(1, 2), few: filled(10) };
  const sent = structuredClone(large.put({ sums: new Map([['postNorm', big[0]]]), parts: [big[1]], small }));
  expect(files()).toHaveLength(2);
  const taken = large.take(sent) as { sums: Map<string, Uint8Array>; parts: Uint8Array[]; small: unknown };
  expect([areEqual(taken.sums.get('postNorm')!, big[0]), areEqual(taken.parts[0]!, big[1])]).toEqual([
    true,
    true,
  ]);
  expect(taken.small).toEqual(small);
  large.put([filled(2 ** 20), filled(2 ** 20 + 7)]);
  expect(files()).toHaveLength(2);
  // Others of the same size have to wait for none of them.
  const [one, two] = [large.put(filled(2 ** 20)), large.put(filled(2 ** 20).fill(1))];
  expect(files()).toHaveLength(4);
  expect(areEqual(large.take(one) as Uint8Array, filled(2 ** 20))).toBe(true);
  expect(areEqual(large.take(two) as Uint8Array, filled(2 ** 20).fill(1))).toBe(true);
});

test('of a view on a larger buffer its own bytes are passed', () => {
  const view = filled(2 ** 21).subarray(3, 3 + 2 ** 20);
  expect(areEqual(large.take(large.put(view)) as Uint8Array, view)).toBe(true);
});

test('every array that arrives has a buffer of its own, so that others can be made on it', () => {
  const shared = new Uint8Array(16);
  const [small, big] = large.take([shared.subarray(5, 13), large.put(filled(2 ** 20))]) as Uint8Array[];
  for (const { byteOffset } of [small!, big!]) expect(byteOffset % 8).toBe(0);
  expect(small!.buffer.byteLength).toBe(8);
});

test('memory that is given back takes data of its size, and no other', () => {
  const first = large.take(large.put(filled(2 ** 20))) as Uint8Array<ArrayBuffer>;
  large.release(first);
  const other = large.take(large.put(filled(2 ** 20 + 4))) as Uint8Array;
  expect(other.buffer).not.toBe(first.buffer);
  const second = large.take(large.put(filled(2 ** 20).reverse())) as Uint8Array;
  expect(second.buffer).toBe(first.buffer);
  expect(areEqual(second, filled(2 ** 20).reverse())).toBe(true);
  expect((large.take(large.put(filled(2 ** 20))) as Uint8Array).buffer).not.toBe(first.buffer);
});

test('at the end nothing is left, not even of what nobody took', () => {
  large.put(filled(2 ** 20));
  expect(files()).toHaveLength(1);
  large.end();
  expect(existsSync(large.folder)).toBe(false);
  large.end();
});

type Listener = Parameters<Endpoint['addEventListener']>[1];

/** Both ends of a channel; what is sent is cloned. */
function channel(): [Peer & EventEmitter, Peer & EventEmitter] {
  const [a, b] = [new EventEmitter(), new EventEmitter()];
  const sending = (to: EventEmitter) => ({
    send: (message: unknown) => to.emit('message', structuredClone(message)),
  });
  return [Object.assign(a, sending(b)), Object.assign(b, sending(a))];
}

test('an endpoint tells its listeners what the other end sends, until they are removed', () => {
  const [here, there] = channel();
  const heard: unknown[] = [];
  const listener = (({ data }: MessageEvent) => void heard.push(data)) as Listener;
  const object = { handleEvent: listener } as Listener;
  const end = processEndpoint(there, large);
  end.addEventListener('message', listener);
  end.addEventListener('message', object);
  processEndpoint(here, large).postMessage({ bytes: filled(8) });
  expect(heard).toEqual([{ bytes: filled(8) }, { bytes: filled(8) }]);
  end.removeEventListener('message', listener);
  end.removeEventListener('message', object);
  processEndpoint(here, large).postMessage(1);
  expect(heard).toHaveLength(2);
});
