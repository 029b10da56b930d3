/** The worker of a GPU as the coordinator sees it, when it ends; with workers that are channels. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DeviceLostError } from '../../src/util/errors.ts';
import { GpuClient } from '../../workers/gpu-client.ts';
import { ChannelWorker } from '../support/channel-worker.ts';
import { FakeLocks } from '../support/fake-locks.ts';
import { eventually } from '../support/patience.ts';

const locks = new FakeLocks();

/** Measures its GPU when it is told to, and not before. */
class FakeWorker extends ChannelWorker {
  static started: FakeWorker[] = [];
  lock = '';
  measured: (facts: string) => void = () => {};

  constructor() {
    super();
    FakeWorker.started.push(this);
    const begin = async (lock: string) => {
      this.lock = lock;
      locks.take(lock);
    };
    const facts = () =>
      new Promise((resolve) => {
        this.measured = resolve;
      });
    this.answerWith({ begin, facts });
  }
}

beforeEach(() => {
  FakeWorker.started = [];
  vi.stubGlobal('Worker', FakeWorker);
  vi.stubGlobal('navigator', { locks });
});
afterEach(() => void vi.unstubAllGlobals());

const begun = (count: number) =>
  eventually(() => {
    expect(FakeWorker.started.map(({ lock }) => lock !== '')).toEqual(Array(count).fill(true));
    return FakeWorker.started.at(-1)!;
  });

test('what a worker was asked for fails when it has ended; the next call starts another one', async () => {
  const client = new GpuClient('high-performance');
  const asked = client.facts();
  const failing = expect(asked).rejects.toThrow(DeviceLostError);
  locks.end((await begun(1)).lock);
  await failing;
  await expect(asked).rejects.toThrow('its worker has ended');

  const again = client.facts();
  const second = await begun(2);
  await eventually(() => {
    second.measured('its facts');
    return expect(Promise.race([again, Promise.reject(new Error('not yet'))])).resolves.toBe('its facts');
  });
  client.restart();
});

test('an error that nobody caught, or a script that does not load, says so', async () => {
  const client = new GpuClient('low-power');
  const asked = client.facts();
  const failing = expect(asked).rejects.toThrow('The GPU worker has stopped: out of memory.');
  (await begun(1)).onerror!({ message: 'out of memory', preventDefault: () => {} });
  await failing;

  const again = client.facts();
  const unloaded = expect(again).rejects.toThrow('its script could not be loaded; reload the page');
  (await begun(2)).onerror!({ preventDefault: () => {} });
  await unloaded;
});

test('a worker that was stopped is not taken for one that ended by itself', async () => {
  const client = new GpuClient('high-performance');
  const asked = client.facts();
  const failing = expect(asked).rejects.toThrow('The GPU worker was stopped.');
  const { lock } = await begun(1);
  client.restart();
  await failing;
  locks.end(lock);
  expect(FakeWorker.started).toHaveLength(1);
});
