/** In what order models write, and what keeps them from it; with a GPU worker that does as it is told. */

import { expect, test, vi } from 'vitest';
import { InputError } from '../../src/util/errors.ts';
import type { TextEvent, TextUpdate } from '../../workers/api/texts.ts';
import type { GpuText, GpuTextListener } from '../../workers/gpu-api.ts';
import type { GpuClient } from '../../workers/gpu-client.ts';
import type { JobBoard } from '../../workers/job-board.ts';
import type { JobQueue } from '../../workers/job-queue.ts';
import { SideBySide } from '../../workers/side-by-side.ts';
import { eventually } from '../support/patience.ts';

const REQUEST = { prompt: 'Once', maxTokens: 10, temperature: 0, topK: 0, topP: 1, seed: 0 };
const ENTRY = {
  source: { kind: 'demo' },
  output: { kind: 'storage' },
  record: {
    id: 'a',
    options: { gpuBudgetBytes: 1e9 },
    model: { name: 'tiny', parameters: 1e6, bytes: 2e6, modules: [{ weights: 5e5 }] },
    results: [{ bits: 4 }, { bits: 3 }],
  },
};

type Script = (text: GpuText, listener: GpuTextListener) => Promise<void>;

/** A job whose models write by `script`. */
function setUp(script: Script, gpuBudgetBytes = 1e9) {
  const calls: string[] = [];
  const updates: TextUpdate[] = [];
  let busy = false;
  let abort: () => void = () => {};
  const worker = {
    write: (text: GpuText, listener: GpuTextListener) => {
      calls.push(text.side);
      const stopped = new Promise<never>((_, reject) => {
        abort = () => reject(new DOMException('stopped', 'AbortError'));
      });
      return Promise.race([script(text, listener), stopped]);
    },
    stopWriting: async () => {
      calls.push('stop');
      abort();
    },
    freeModels: async () => void calls.push('free'),
  };
  const gpu = { worker, restart: () => void calls.push('restart') };
  const queue = {
    requireIdle() {
      if (busy) throw new InputError('Another conversion is under way');
    },
  };
  const record = { ...ENTRY.record, options: { gpuBudgetBytes } };
  const board = { get: async () => ({ ...ENTRY, record }) };
  const texts = new SideBySide(
    board as unknown as JobBoard,
    gpu as unknown as GpuClient,
    queue as unknown as JobQueue,
  );
  const write = (bits = 4) => texts.write('a', bits, REQUEST, (update) => void updates.push(update));
  const beBusy = () => {
    busy = true;
  };
  return { texts, write, worker, gpu, calls, updates, beBusy };
}

const forever = () => new Promise<void>(() => {});
const error = (name: string) => Object.assign(new Error(`${name} in words`), { name });

test('the original writes first, then the output', async () => {
  const seen: GpuText[] = [];
  const { write, updates } = setUp(async (text, listener) => {
    seen.push(text);
    await listener([{ type: 'ended', end: 'length' }]);
  });
  await write(3);
  expect(seen).toEqual([
    { id: 'a', side: 'original', source: ENTRY.source, request: REQUEST, gpuBudgetBytes: 1e9 },
    {
      id: 'a',
      side: 'quantized',
      output: ENTRY.output,
      modelName: 'tiny',
      bits: 3,
      request: REQUEST,
      gpuBudgetBytes: 1e9,
    },
  ]);
  expect(updates).toEqual([
    { side: 'original', events: [{ type: 'ended', end: 'length' }] },
    { side: 'quantized', events: [{ type: 'ended', end: 'length' }] },
  ]);
});

test.each([
  ['OutOfMemoryError', ['original', 'quantized']],
  ['UnsupportedError', ['original', 'quantized']],
  ['InputError', ['original', 'quantized']],
  ['DeviceLostError', ['original', 'restart', 'quantized']],
  ['Error', ['original', 'restart', 'quantized']],
])('an original that ends with %s does not keep the output from writing', async (name, expected) => {
  const { write, calls, updates } = setUp(async ({ side }) => {
    if (side === 'original') throw error(name);
  });
  await write();
  expect(calls).toEqual(expected);
  const failed = { type: 'failed', name, message: `${name} in words` };
  expect(updates).toEqual([{ side: 'original', events: [failed] }]);
});

test('while a conversion is under way, nothing is written; one that starts meanwhile ends it', async () => {
  const refused = setUp(forever);
  refused.beBusy();
  await expect(refused.write()).rejects.toThrow('Another conversion is under way');
  expect(refused.calls).toEqual([]);

  const { write, calls, beBusy } = setUp(async () => beBusy());
  await expect(write()).rejects.toThrow('Another conversion is under way');
  expect(calls).toEqual(['original']);
});

test('stopping ends both; freeing stops first', async () => {
  const { texts, write, calls, updates } = setUp(forever);
  const writing = write();
  await eventually(() => expect(calls).toEqual(['original']));
  await texts.stop();
  await writing;
  expect(calls).toEqual(['original', 'stop']);
  expect(updates).toEqual([]);
  await texts.stop();
  expect(calls).toEqual(['original', 'stop']);

  const again = write();
  await eventually(() => expect(calls.slice(2)).toEqual(['original']));
  await texts.free();
  await again;
  expect(calls.slice(2)).toEqual(['original', 'stop', 'free']);
});

test('a model that does not stop is ended with the GPU worker, and nothing is said of it', async () => {
  const { texts, write, worker, gpu, calls, updates } = setUp(forever);
  let end: (error: Error) => void = () => {};
  const begun = new Promise<void>((resolve) => {
    worker.write = () =>
      new Promise((_, reject) => {
        end = reject;
        resolve();
      });
  });
  worker.stopWriting = forever;
  gpu.restart = () => {
    calls.push('restart');
    end(new Error('The GPU worker was stopped.'));
  };
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const writing = write();
    await begun;
    const stopping = texts.stop();
    vi.advanceTimersByTime(4999);
    expect(calls).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(calls).toEqual(['restart']);
    await Promise.all([stopping, writing]);
  } finally {
    vi.useRealTimers();
  }
  expect(updates).toEqual([]);
});

test('stopped before the first model writes, none does', async () => {
  const { texts, write, calls } = setUp(forever);
  const writing = write();
  await texts.stop();
  await writing;
  expect(calls).toEqual(['stop']);
});

test('a new prompt replaces the one under way', async () => {
  let first = true;
  const { write, calls } = setUp(() => {
    const work = first ? forever() : Promise.resolve();
    first = false;
    return work;
  });
  const before = write();
  await eventually(() => expect(calls).toEqual(['original']));
  await write();
  await before;
  expect(calls).toEqual(['original', 'stop', 'original', 'quantized']);
});

test('a bitrate that is not there is refused', async () => {
  const { write, calls } = setUp(forever);
  await expect(write(5)).rejects.toThrow(/no output of 5 bits/);
  expect(calls).toEqual([]);
});

const token = (id: number): TextEvent => ({ type: 'token', id, text: 'a', likely: [] });

test('an original that has to be streamed comes last, and starts from what the output has written', async () => {
  const seen: GpuText[] = [];
  const script: Script = async (text, listener) => {
    seen.push(text);
    // A first attempt, for which memory did not suffice.
    await listener([{ type: 'loading', done: 1, total: 1 }, token(1)]);
    await listener([{ type: 'loading', done: 1, total: 1 }, token(7)]);
    await listener([token(8), { type: 'ended', end: 'length' }]);
  };
  // In 16 bits and with a module in f32 it would take 4 MB.
  await setUp(script, 3.9e6).write();
  expect(seen.map(({ side }) => side)).toEqual(['quantized', 'original']);
  expect(seen.map((text) => 'draft' in text && text.draft)).toEqual([false, [7, 8]]);
  await setUp(script, 4e6).write();
  expect(seen.slice(2).map((text) => [text.side, 'draft' in text])).toEqual([
    ['original', false],
    ['quantized', false],
  ]);
});
