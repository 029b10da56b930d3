/** What ends a tokenizer that does not come to an end; with workers that are channels. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WORK_LIMIT_MS } from '../../src/tokenizer/limits.ts';
import { InputError, UnsupportedError } from '../../src/util/errors.ts';
import type { ModelSource } from '../../workers/api/folders.ts';
import { START_LIMIT_MS } from '../../workers/supervised-worker.ts';
import { openTokenizer } from '../../workers/tokenizer-client.ts';
import { ChannelWorker } from '../support/channel-worker.ts';
import { FakeLocks } from '../support/fake-locks.ts';

type Task = 'read' | 'load' | 'encode' | 'decode';

const SOURCE: ModelSource = { kind: 'demo' };
const FACTS = { bosId: 1, eosIds: [2], vocabSize: 9 };

const locks = new FakeLocks();
/** What the next worker does where it does not answer at once. */
let script: Partial<Record<Task, () => Promise<never> | undefined>> = {};

/** Stands for a worker with a tokenizer in it. */
class FakeWorker extends ChannelWorker {
  static started: FakeWorker[] = [];
  /** So many of the first never begin. */
  static neverBegin = 0;
  lock = '';
  readonly asked: unknown[] = [];

  constructor() {
    super();
    FakeWorker.started.push(this);
    const { asked } = this;
    const answer = async (task: Task, given: unknown, result: unknown) => {
      asked.push(given);
      await script[task]?.();
      return result;
    };
    this.answerWith({
      begin: async (lock: string) => {
        if (FakeWorker.started.indexOf(this) < FakeWorker.neverBegin) await new Promise<never>(() => {});
        this.lock = lock;
        locks.take(lock);
      },
      read: (source: unknown) => answer('read', source, undefined),
      load: () => answer('load', 'load', FACTS),
      encode: (text: string) => answer('encode', text, [text.length]),
      decode: (ids: number[]) => answer('decode', ids, ids.join()),
    });
  }
}

beforeEach(() => {
  script = {};
  FakeWorker.started = [];
  FakeWorker.neverBegin = 0;
  vi.stubGlobal('Worker', FakeWorker);
  vi.stubGlobal('navigator', { locks });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Lets the next worker hang in a task; resolves when it does. */
const hangsIn = (task: Task): Promise<void> =>
  new Promise((resolve) => {
    script = {
      [task]: () => {
        resolve();
        return new Promise<never>(() => {});
      },
    };
  });

const open = (signal?: AbortSignal) => openTokenizer(SOURCE, 'models/x', signal);
const terminated = () => FakeWorker.started.map((worker) => worker.terminated);

test('a worker reads, loads, encodes and decodes until it is closed', async () => {
  const tokenizer = await open();
  expect(tokenizer).toMatchObject(FACTS);
  expect(await tokenizer.encode('abc')).toEqual([3]);
  expect(await tokenizer.decode([3, 4])).toBe('3,4');
  expect(FakeWorker.started[0]!.asked).toEqual([SOURCE, 'load', 'abc', [3, 4]]);
  expect(terminated()).toEqual([false]);
  tokenizer.close();
  expect(terminated()).toEqual([true]);
  await expect(tokenizer.encode('abc')).rejects.toThrow('The tokenizer worker was stopped.');
});

const ENDLESS: Record<'load' | 'encode', RegExp> = {
  load: /^models\/x\/tokenizer\.json: loading it failed: it takes more than 120 s, as patterns.*get it again/,
  encode: /^models\/x\/tokenizer\.json: turning text into tokens failed: it takes more than 120 s, as/,
};

test.each(['load', 'encode'] as const)(
  'one that does not come to an end in "%s" is ended by the limit',
  async (task) => {
    const hanging = hangsIn(task);
    const asked = open().then(({ encode }) => encode('abc'));
    const failing = expect(asked).rejects.toThrow(ENDLESS[task]);
    await hanging;
    vi.advanceTimersByTime(WORK_LIMIT_MS - 1);
    expect(terminated()).toEqual([false]);
    vi.advanceTimersByTime(1);
    expect(terminated()).toEqual([true]);
    await failing;
    await expect(asked).rejects.toThrow(UnsupportedError);
  },
);

test('the limit is each text’s own, and not that of files which are slow to read', async () => {
  let passes = WORK_LIMIT_MS - 1;
  const takesTime = () => void vi.advanceTimersByTime(passes);
  script = {
    load: takesTime,
    encode: takesTime,
    read: () => void vi.advanceTimersByTime(10 * WORK_LIMIT_MS),
  };
  const { encode } = await open();
  expect([await encode('a'), await encode('ab')]).toEqual([[1], [2]]);
  expect(terminated()).toEqual([false]);
  passes = WORK_LIMIT_MS;
  await expect(encode('abc')).rejects.toThrow(ENDLESS.encode);
});

test.each(['read', 'load', 'encode'] as const)('a signal ends it in "%s"', async (task) => {
  const stopping = new AbortController();
  const hanging = hangsIn(task);
  const asked = open(stopping.signal).then(({ encode }) => encode('abc'));
  const failing = expect(asked).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  await hanging;
  stopping.abort();
  await failing;
  expect(terminated()).toEqual([true]);
});

test('nothing is started when the signal is aborted already', async () => {
  await expect(open(AbortSignal.abort())).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  expect(FakeWorker.started).toEqual([]);
});

test.each([
  ['read', new InputError('no tokenizer.json')],
  ['load', new UnsupportedError('no such kind')],
] as const)('what "%s" has to complain of keeps its name, and the worker ends', async (task, error) => {
  script = { [task]: () => Promise.reject(error) };
  const { name, message } = error;
  await expect(open()).rejects.toThrow(expect.objectContaining({ name, message }));
  expect(terminated()).toEqual([true]);
});

test('a worker that ends without a word is not waited for', async () => {
  const hanging = hangsIn('encode');
  const asked = open().then(({ encode }) => encode('abc'));
  const failing = expect(asked).rejects.toThrow('its memory may have run out');
  await hanging;
  locks.end(FakeWorker.started[0]!.lock);
  await failing;
});

test('a worker that never begins is replaced; the next one has twice the time', async () => {
  FakeWorker.neverBegin = 2;
  const opened = open();
  await vi.advanceTimersByTimeAsync(START_LIMIT_MS);
  expect(terminated()).toEqual([true, false]);
  await vi.advanceTimersByTimeAsync(2 * START_LIMIT_MS - 1);
  expect(terminated()).toEqual([true, false]);
  await vi.advanceTimersByTimeAsync(1);
  expect(terminated()).toEqual([true, true, false]);
  expect(await opened).toMatchObject(FACTS);
});

test('one that is ended before it begins is not replaced', async () => {
  FakeWorker.neverBegin = 1;
  const stopping = new AbortController();
  const failing = expect(open(stopping.signal)).rejects.toThrow(
    expect.objectContaining({ name: 'AbortError' }),
  );
  stopping.abort();
  await failing;
  await vi.advanceTimersByTimeAsync(START_LIMIT_MS);
  expect(terminated()).toEqual([true]);
});
