import { costOf, hasPart, nextTask, type Task, withoutPart } from './schedule.ts';
import { type PoolWorker, WorkerLostError, type WorkerPool } from './worker-pool.ts';

/** Share of a task under way that is left at least, whatever is estimated: its worker is not free. */
const LEAST_LEFT = 0.05;

/**
 * Has the pool do all tasks, each by one worker or divided among several; what a lost worker had under way is given to
 * another one.
 * @param work does a task or a part of one; throws WorkerLostError when a worker is lost; any other error ends it all.
 */
export async function handOut(
  pool: WorkerPool,
  tasks: readonly Task[],
  work: (worker: PoolWorker, task: Task) => Promise<void>,
): Promise<void> {
  const remaining = new Set(tasks);
  const current = new Map<PoolWorker, { readonly task: Task; readonly started: number }>();
  /** Of the task that was done last: cost at a worker's speed for each millisecond. */
  let pace = 0;
  let failed = false;

  /** What a worker tells of its task may be old, and a task's beginning is not counted in it. */
  const leftOf = (worker: PoolWorker): number => {
    const under = current.get(worker);
    if (!under) return 0;
    const { task, started } = under;
    const likely = (performance.now() - started) * pace * worker.speed;
    const done = Math.max(costOf(task) * worker.share, likely);
    return Math.max(costOf(task) * LEAST_LEFT, costOf(task) - done);
  };

  /** Those that may take more. */
  const serving = new Set<PoolWorker>();

  const next = (worker: PoolWorker): Task | undefined => {
    const workers = [...serving];
    const loads = workers.map((each) => ({
      speed: each.speed,
      left: leftOf(each),
      position: each.position,
    }));
    return failed ? undefined : nextTask(workers.indexOf(worker), loads, [...remaining]);
  };

  const take = (part: Task): void => {
    const whole = [...remaining].find((task) => hasPart(task, part))!;
    remaining.delete(whole);
    for (const rest of withoutPart(whole, part)) remaining.add(rest);
  };

  const serve = async (worker: PoolWorker): Promise<void> => {
    for (let task = next(worker); task; task = next(worker)) {
      take(task);
      const started = performance.now();
      current.set(worker, { task, started });
      worker.position = task.index + 1;
      try {
        await work(worker, task);
      } catch (error) {
        remaining.add(task);
        if (!(error instanceof WorkerLostError)) failed = true;
        throw error;
      } finally {
        current.delete(worker);
      }
      pace = costOf(task) / worker.speed / Math.max(1, performance.now() - started);
    }
  };

  const serveOrLeave = async (worker: PoolWorker): Promise<void> => {
    try {
      await serve(worker);
    } catch (error) {
      if (!(error instanceof WorkerLostError)) throw error;
      pool.warnOfLost();
    } finally {
      serving.delete(worker);
    }
  };

  while (remaining.size > 0) {
    const workers = [pool.leader, ...pool.remotes];
    for (const worker of workers) serving.add(worker);
    const serves = workers.map(serveOrLeave);
    try {
      await Promise.all(serves);
    } catch (error) {
      // What the leader has under way uses memory that is freed after this.
      await serves[0]!.catch(() => {});
      throw error;
    }
  }
}
