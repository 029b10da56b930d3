/** Starting and losing the other workers of a job; channels stand for Web Workers. */

import { expose, wrap } from 'comlink';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { arrayBuffers, handedOver } from '../../workers/array-buffers.ts';
import type { GpuJob } from '../../workers/gpu-api.ts';
import type { JobWorkerPlaces } from '../../workers/job-worker-api.ts';
import { startJobWorkers } from '../../workers/job-workers.ts';
import { START_LIMIT_MS } from '../../workers/supervised-worker.ts';
import { ChannelWorker } from '../support/channel-worker.ts';
import { FakeLocks } from '../support/fake-locks.ts';

const JOB = {
  ...{ source: { kind: 'demo' }, work: 'jobs/a/measure', gpuBudgetBytes: 2 ** 30 },
  otherGpus: ['high-performance', 'low-power'],
} as unknown as GpuJob;

/** Stands for a Web Worker with a job worker in it. */
class FakeWorker extends ChannelWorker {
  static started: FakeWorker[] = [];
  /** So many of the first never begin. */
  static neverBegin = 0;
  readonly name: string;
  places: JobWorkerPlaces | undefined;
  lock = '';

  constructor(_: URL, { name }: { name: string }) {
    super();
    this.name = name;
    FakeWorker.started.push(this);
    let check: () => Promise<void>;
    const begin = async (lock: string) => {
      if (FakeWorker.started.indexOf(this) < FakeWorker.neverBegin) await new Promise<never>(() => {});
      this.lock = lock;
      locks.take(lock);
    };
    const prepare = async (places: JobWorkerPlaces, given: () => Promise<void>) => {
      this.places = places;
      check = given;
    };
    // A module that takes as long as the job is paused.
    const measure = async (index: number) => {
      await check();
      return index;
    };
    this.answerWith({ begin, prepare, measure });
  }
}

const locks = new FakeLocks();

beforeEach(() => {
  FakeWorker.started = [];
  FakeWorker.neverBegin = 0;
  vi.stubGlobal('Worker', FakeWorker);
  vi.stubGlobal('navigator', { locks });
});
afterEach(() => void vi.unstubAllGlobals());

const WHOLE = { from: 0, to: 21 };
const going = { signal: new AbortController().signal };

test('each worker has its GPU, a name and a lock; they end together', async () => {
  const { links, stop } = startJobWorkers(JOB, going);
  expect(links.map(({ name }) => name)).toEqual(['worker 2', 'worker 3']);
  expect(await Promise.all(links.map(({ api }) => api.measure(7, WHOLE)))).toEqual([7, 7]);
  const [first, second] = FakeWorker.started;
  expect([first?.name, second?.name]).toEqual(['high-performance', 'low-power']);
  expect(first?.places).toMatchObject({ work: 'jobs/a/measure', gpuBudgetBytes: 2 ** 30 });
  expect(first?.lock).not.toBe(second?.lock);
  stop();
  await expect(links[0]!.ended).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  expect(FakeWorker.started.every(({ terminated }) => terminated)).toBe(true);
});

test('a worker has ended when its lock is free, or at an error that nobody caught', async () => {
  const { links, stop } = startJobWorkers(JOB, going);
  await links[0]!.api.measure(0, WHOLE);
  locks.end(FakeWorker.started[0]!.lock);
  await expect(links[0]!.ended).rejects.toThrow('its worker has ended');
  FakeWorker.started[1]!.onerror!({ message: 'out of memory', preventDefault: () => {} });
  await expect(links[1]!.ended).rejects.toThrow('out of memory');
  stop();
});

test('a worker that never begins is replaced', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  FakeWorker.neverBegin = 1;
  const { links, stop } = startJobWorkers({ ...JOB, otherGpus: ['low-power'] }, going);
  const measured = links[0]!.api.measure(7, WHOLE);
  await vi.advanceTimersByTimeAsync(START_LIMIT_MS);
  vi.useRealTimers();
  expect(await measured).toBe(7);
  expect(FakeWorker.started.map(({ name, terminated }) => [name, terminated])).toEqual([
    ['low-power', true],
    ['low-power', false],
  ]);
  expect(FakeWorker.started.map(({ places }) => places?.work)).toEqual([undefined, JOB.work]);
  stop();
});

test('pausing holds workers up, cancelling ends what they do', async () => {
  const controller = new AbortController();
  let goOn = () => {};
  const paused = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const { links, stop } = startJobWorkers(JOB, { signal: controller.signal, resumed: () => paused });
  const [first, second] = links.map(({ api }) => api.measure(1, WHOLE));
  const waited = new Promise((resolve) => setTimeout(resolve, 20)).then(() => 'paused');
  expect(await Promise.race([first, waited])).toBe('paused');
  goOn();
  expect(await Promise.all([first, second])).toEqual([1, 1]);
  controller.abort();
  await expect(links[0]!.api.measure(2, WHOLE)).rejects.toThrow(
    expect.objectContaining({ name: 'AbortError' }),
  );
  stop();
});

test('all buffers of an answer are found, each once', () => {
  const shared = new ArrayBuffer(8);
  const single = new Uint8Array(4);
  const answer = [
    new Map([
      ['q', new Uint8Array(shared, 0, 4)],
      ['k', new Uint8Array(shared, 4)],
    ]),
    { tensors: [{ name: 'w', data: single }], none: null },
  ];
  expect(arrayBuffers(answer)).toEqual([shared, single.buffer]);
});

test('an answer is sent with its buffers, or with none where it has none', async () => {
  const { port1, port2 } = new MessageChannel();
  const piece = new Uint8Array([1, 2, 3]);
  expose(
    { piece: () => handedOver(piece), nothing: () => handedOver(undefined), share: () => handedOver(0.5) },
    port2,
  );
  const api = wrap<{ piece(): Uint8Array; nothing(): void; share(): number }>(port1);
  expect([await api.nothing(), await api.share()]).toEqual([undefined, 0.5]);
  expect([await api.piece(), piece.length]).toEqual([new Uint8Array([1, 2, 3]), 0]);
  port1.close();
});
