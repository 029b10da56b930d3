import { spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Endpoint } from 'comlink';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newDataFolder, removeLeftData } from '../../src/cli/worker/data-folder.ts';
import { type Peer, processEndpoint } from '../../src/cli/worker/endpoint.ts';
import { LargeData } from '../../src/cli/worker/large-data.ts';
import { eventually } from '../support/patience.ts';

let large: LargeData;
beforeEach(() => {
  large = new LargeData(newDataFolder());
});
afterEach(() => large.end());

const filled = (length: number) => Uint8Array.from({ length }, (_, i) => i % 251);
/** Far faster than what tells where they differ. */
const areEqual = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b);
/** Put and taken. */
const passed = async (data: Uint8Array) =>
  (await large.take(await large.put(data))) as Uint8Array<ArrayBuffer>;
const files = () => readdirSync(large.folder);

test('large arrays go through files, which are written again when they have been taken', async () => {
  const big = [filled(2 ** 20), filled(2 ** 20 + 7)] as const;
  const small = { text: 'a', none: null, ids: Int32Array.of(1, 2), few: filled(10) };
  const sent = structuredClone(
    await large.put({ sums: new Map([['postNorm', big[0]]]), parts: [big[1]], small }),
  );
  expect(files()).toHaveLength(2);
  const taken = (await large.take(sent)) as {
    sums: Map<string, Uint8Array>;
    parts: Uint8Array[];
    small: unknown;
  };
  expect([areEqual(taken.sums.get('postNorm')!, big[0]), areEqual(taken.parts[0]!, big[1])]).toEqual([
    true,
    true,
  ]);
  expect(taken.small).toEqual(small);
  await large.put([filled(2 ** 20), filled(2 ** 20 + 7)]);
  expect(files()).toHaveLength(2);
  // Others of the same size have to wait for none of them.
  const [one, two] = await Promise.all([large.put(filled(2 ** 20)), large.put(filled(2 ** 20).fill(1))]);
  expect(files()).toHaveLength(4);
  expect(areEqual((await large.take(one)) as Uint8Array, filled(2 ** 20))).toBe(true);
  expect(areEqual((await large.take(two)) as Uint8Array, filled(2 ** 20).fill(1))).toBe(true);
});

test('a free file of another size is taken rather than a new one', async () => {
  for (const length of [2 ** 21, 2 ** 20, 2 ** 22]) {
    const sent = await large.put(filled(length));
    expect(files()).toHaveLength(1);
    expect(areEqual((await large.take(sent)) as Uint8Array, filled(length))).toBe(true);
  }
});

test('of a view on a larger buffer its own bytes are passed', async () => {
  const view = filled(2 ** 21).subarray(3, 3 + 2 ** 20);
  expect(areEqual(await passed(view), view)).toBe(true);
});

test('every array that arrives has a buffer of its own, so that others can be made on it', async () => {
  const shared = new Uint8Array(16);
  const message = [shared.subarray(5, 13), await large.put(filled(2 ** 20))];
  const [small, big] = (await large.take(message)) as Uint8Array[];
  for (const { byteOffset } of [small!, big!]) expect(byteOffset % 8).toBe(0);
  expect(small!.buffer.byteLength).toBe(8);
});

test('memory that is given back takes data of its size, and no other', async () => {
  const first = await passed(filled(2 ** 20));
  large.release(first);
  const other = await passed(filled(2 ** 20 + 4));
  expect(other.buffer).not.toBe(first.buffer);
  const second = await passed(filled(2 ** 20).reverse());
  expect(second.buffer).toBe(first.buffer);
  expect(areEqual(second, filled(2 ** 20).reverse())).toBe(true);
  expect((await passed(filled(2 ** 20))).buffer).not.toBe(first.buffer);
});

test('what came through the channel and is given back is not kept: new memory comes that way each time', async () => {
  const data = (await large.take(filled(2 ** 20))) as Uint8Array<ArrayBuffer>;
  large.release(data);
  expect((await passed(filled(2 ** 20))) === data).toBe(false);
});

test('at the end nothing is left, not even of what nobody took', async () => {
  await large.put(filled(2 ** 20));
  expect(files()).toHaveLength(1);
  large.end();
  expect(existsSync(large.folder)).toBe(false);
  large.end();
});

test('what is being taken at the end never comes, and fails nothing', async () => {
  const taking = large.take(await large.put(filled(2 ** 20)));
  large.end();
  const soon = new Promise((resolve) => setTimeout(() => resolve('nothing'), 50));
  expect(await Promise.race([taking, soon])).toBe('nothing');
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

/** What a listener at the other end of a channel is told. */
function listening(): { from: Endpoint; to: Endpoint; heard: unknown[]; listener: Listener } {
  const [here, there] = channel();
  const heard: unknown[] = [];
  const listener = (({ data }: MessageEvent) => void heard.push(data)) as Listener;
  const failed = (error: Error) => void heard.push(error.message);
  const [from, to] = [processEndpoint(here, large, failed), processEndpoint(there, large, failed)];
  return { from, to, heard, listener };
}

test('an endpoint tells its listeners what the other end sends, until they are removed', async () => {
  const { from, to, heard, listener } = listening();
  const object = { handleEvent: listener } as Listener;
  to.addEventListener('message', listener);
  to.addEventListener('message', object);
  from.postMessage({ bytes: filled(8) });
  await eventually(() => expect(heard).toEqual([{ bytes: filled(8) }, { bytes: filled(8) }]));
  to.removeEventListener('message', listener);
  to.removeEventListener('message', object);
  from.postMessage(1);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(heard).toHaveLength(2);
});

test('messages arrive in their order, large ones too', async () => {
  const { from, to, heard, listener } = listening();
  to.addEventListener('message', listener);
  const [larger, large] = [filled(2 ** 23), filled(2 ** 20)];
  for (const message of [1, larger, 2, large, 3]) from.postMessage(message);
  await eventually(() => expect(heard).toHaveLength(5));
  expect([heard[0], heard[2], heard[4]]).toEqual([1, 2, 3]);
  expect(areEqual(heard[1] as Uint8Array, larger)).toBe(true);
  expect(areEqual(heard[3] as Uint8Array, large)).toBe(true);
});

test('where files cannot be written, large data goes through the channel', async () => {
  const { from, to, heard, listener } = listening();
  to.addEventListener('message', listener);
  large.end();
  from.postMessage({ bytes: filled(2 ** 20) });
  await eventually(() => expect(heard).toHaveLength(1));
  expect(areEqual((heard[0] as { bytes: Uint8Array }).bytes, filled(2 ** 20))).toBe(true);
});

test('what cannot be sent or read is told, and the next message comes all the same', async () => {
  const { from, to, heard, listener } = listening();
  to.addEventListener('message', listener);
  from.postMessage({ dataInFile: join(large.folder, 'none'), bytes: 2 ** 20 });
  from.postMessage({ work: () => {} });
  from.postMessage('next');
  await eventually(() => expect(heard).toHaveLength(3));
  expect(heard).toContain('next');
  expect(heard.join()).toMatch(/ENOENT.*none/);
  expect(heard.join()).toMatch(/could not be cloned/);
});

describe('data of processes that have ended', () => {
  /** A folder like that of this process, with another id, start or namespace in its name. */
  function folderOf(change: (name: string) => string): string {
    const own = basename(large.folder);
    const path = join(dirname(large.folder), change(own));
    expect(basename(path)).not.toBe(own);
    mkdirSync(path);
    writeFileSync(join(path, 'data'), 'x');
    return path;
  }
  const named = (part: number, value: string) => (name: string) => {
    const parts = name.split('-');
    parts[part] = value;
    return parts.join('-');
  };

  test('is removed by the next start, and no other', async () => {
    const ended = spawnSync(process.execPath, ['-e', '']).pid;
    const left = [folderOf(named(3, String(ended))), folderOf(named(4, '1'))];
    const others = [folderOf(named(2, '1')), folderOf((name) => name.replace('exl2-web', 'exl2-other'))];
    removeLeftData();
    expect(left.map((path) => existsSync(path))).toEqual([false, false]);
    expect(others.map((path) => existsSync(path))).toEqual([true, true]);
    expect(existsSync(large.folder)).toBe(true);
    for (const path of others) rmSync(path, { recursive: true });
  });
});
