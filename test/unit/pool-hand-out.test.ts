import { expect, test, vi } from 'vitest';
import type { WorkerApi, WorkerLink } from '../../src/distribute/leader/api.ts';
import { handOut } from '../../src/distribute/leader/hand-out.ts';
import type { Task } from '../../src/distribute/leader/schedule.ts';
import {
  PoolWorker,
  RemoteWorker,
  WorkerLostError,
  WorkerPool,
} from '../../src/distribute/leader/worker-pool.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import type { MeasuredPart } from '../../src/measurement/measured-part.ts';

/** A worker whose `measure` is given; it never ends by itself. */
function worker(id: number, measure: WorkerApi['measure'], ended: Promise<never> = new Promise(() => {})) {
  const api = { measure } as unknown as WorkerLink['api'];
  return new RemoteWorker(id, { name: `worker ${id}`, api, ended }, 'fake GPU', 1);
}

function poolOf(...workers: RemoteWorker[]) {
  const events: ConvertEvent[] = [];
  const leader = new PoolWorker(1, 'fake GPU', 1);
  return {
    pool: new WorkerPool(
      leader,
      workers,
      () => 0,
      (event) => void events.push(event),
    ),
    events,
  };
}

const TASKS = Array.from(
  { length: 6 },
  (_, index): Task => ({ index, from: 0, to: 1, stepCost: 1, setupCost: 0, forwardCost: 0 }),
);
const PART: MeasuredPart = { from: 0, to: 1, errors: [{ accuracy: 1 }], losses: undefined };
const pause = () => new Promise<MeasuredPart>((resolve) => setTimeout(() => resolve(PART), 1));

/** Who did each task. */
async function run(pool: WorkerPool, fails?: (index: number) => boolean) {
  const done = new Map<number, number>();
  await handOut(pool, TASKS, async (worker, { index, from, to }) => {
    if (worker instanceof RemoteWorker) await worker.call('works', (api) => api.measure(index, { from, to }));
    else {
      await worker.during('works', pause);
      if (fails?.(index)) throw new Error('broken');
    }
    done.set(index, worker.id);
  });
  pool.end();
  return done;
}

test('every task is done once, by all', async () => {
  const { pool } = poolOf(worker(2, pause), worker(3, pause));
  const done = await run(pool);
  expect([...done.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  expect(new Set(done.values())).toEqual(new Set([1, 2, 3]));
});

test('what a worker had under way when it was lost is done by the others', async () => {
  let calls = 0;
  const dying = worker(2, async () => {
    if (++calls === 2) throw new Error('device lost');
    return pause();
  });
  const { pool, events } = poolOf(dying);
  const done = await run(pool);
  expect(done.size).toBe(6);
  expect([...done.values()].filter((id) => id === 2)).toHaveLength(1);
  expect(pool.remotes).toEqual([]);
  expect(events).toContainEqual({
    type: 'warning',
    message: 'worker 2 (fake GPU) is lost: device lost. The other workers do its work.',
  });
});

test('a worker that ends without an answer is lost', async () => {
  const ended = Promise.reject(new Error('its process has ended (SIGKILL)'));
  ended.catch(() => {});
  const silent = worker(2, () => new Promise(() => {}), ended);
  await expect(silent.call('works', (api) => api.measure(0, PART))).rejects.toThrow(WorkerLostError);
  expect(silent.loss).toBeInstanceOf(WorkerLostError);
  const { pool } = poolOf(silent);
  expect((await run(pool)).size).toBe(6);
});

test('a worker that hears that the job is cancelled ends it all, and is not lost', async () => {
  const cancelled = worker(2, async () => {
    throw new DOMException('cancelled', 'AbortError');
  });
  const { pool, events } = poolOf(cancelled);
  await expect(run(pool)).rejects.toThrow('cancelled');
  expect([cancelled.loss, events]).toEqual([undefined, []]);
});

test('a worker that is lost is asked for nothing more', async () => {
  const measure = vi.fn(async () => {
    throw new Error('device lost');
  });
  const lost = worker(2, measure);
  for (let i = 0; i < 2; i++) {
    const asked = lost.call('works', (api) => api.measure(0, PART));
    await expect(asked).rejects.toThrow('worker 2 (fake GPU) is lost: device lost.');
  }
  expect(measure).toHaveBeenCalledTimes(1);
});

test('what the leader has under way comes to its end, whatever else fails', async () => {
  const cancelled = worker(2, async () => {
    throw new DOMException('cancelled', 'AbortError');
  });
  const { pool } = poolOf(cancelled);
  let isDone = false;
  const all = handOut(pool, TASKS, async (worker, task) => {
    if (worker instanceof RemoteWorker) await worker.call('works', (api) => api.measure(task.index, task));
    else {
      await new Promise((resolve) => setTimeout(resolve, 20));
      isDone = true;
    }
  });
  await expect(all).rejects.toThrow('cancelled');
  expect(isDone).toBe(true);
  pool.end();
});

test("the leader's error ends it all", async () => {
  const { pool } = poolOf(worker(2, pause));
  await expect(run(pool, (index) => index === 0)).rejects.toThrow('broken');
});

test('a task that is divided is done once, in parts', async () => {
  const { pool } = poolOf(worker(2, pause), worker(3, pause));
  const done: string[] = [];
  const by = new Set<number>();
  const task = { index: 0, from: 0, to: 21, stepCost: 1, setupCost: 1, forwardCost: 0 };
  await handOut(pool, [task], async (worker, { from, to }) => {
    await worker.during('works', pause);
    by.add(worker.id);
    for (let step = from; step < to; step++) done.push(String(step).padStart(2));
  });
  pool.end();
  expect(done.toSorted()).toEqual(Array.from({ length: 21 }, (_, step) => String(step).padStart(2)));
  expect(by).toEqual(new Set([1, 2, 3]));
});
