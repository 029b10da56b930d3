import { costOf, hasPart, nextTask, type Task, withoutPart } from './schedule.ts';
import { type PoolWorker, WorkerLostError, type WorkerPool } from './worker-pool.ts';

/** Share of a task under way that is left at least, whatever is estimated: its worker is not free. */
const LEAST_LEFT = 0.05;

/** Does a task or a part of one. Throws WorkerLostError when the worker is lost. */
type Work = (worker: PoolWorker, task: Task) => Promise<void>;

/**
 * Has the pool do all tasks, each by one worker or divided among several; what a lost worker had under way is given to
 * another one.
 * @param work any error of it but a WorkerLostError ends it all.
 */
export const handOut = (pool: WorkerPool, tasks: readonly Task[], work: Work): Promise<void> =>
  new HandOut(pool, tasks, work).run();

class HandOut {
  readonly #pool: WorkerPool;
  readonly #work: Work;
  readonly #remaining: Set<Task>;
  readonly #current = new Map<PoolWorker, { readonly task: Task; readonly started: number }>();
  /** Those that may take more. */
  readonly #serving = new Set<PoolWorker>();
  /** Of the task that was done last: cost at a worker's speed for each millisecond. */
  #pace = 0;
  #failed = false;

  constructor(pool: WorkerPool, tasks: readonly Task[], work: Work) {
    this.#pool = pool;
    this.#work = work;
    this.#remaining = new Set(tasks);
  }

  async run(): Promise<void> {
    while (this.#remaining.size > 0) {
      const workers = [this.#pool.leader, ...this.#pool.remotes];
      for (const worker of workers) this.#serving.add(worker);
      const serves = workers.map((worker) => this.#serveOrLeave(worker));
      try {
        await Promise.all(serves);
      } catch (error) {
        // What the leader has under way uses memory that is freed after this.
        await serves[0]!.catch(() => {});
        throw error;
      }
    }
  }

  async #serveOrLeave(worker: PoolWorker): Promise<void> {
    try {
      await this.#serve(worker);
    } catch (error) {
      if (!(error instanceof WorkerLostError)) throw error;
      this.#pool.warnOfLost();
    } finally {
      this.#serving.delete(worker);
    }
  }

  async #serve(worker: PoolWorker): Promise<void> {
    for (let task = this.#next(worker); task; task = this.#next(worker)) {
      this.#take(task);
      const started = performance.now();
      this.#current.set(worker, { task, started });
      worker.position = task.index + 1;
      try {
        await this.#work(worker, task);
      } catch (error) {
        this.#remaining.add(task);
        if (!(error instanceof WorkerLostError)) this.#failed = true;
        throw error;
      } finally {
        this.#current.delete(worker);
      }
      this.#pace = costOf(task) / worker.speed / Math.max(1, performance.now() - started);
    }
  }

  #next(worker: PoolWorker): Task | undefined {
    if (this.#failed) return undefined;
    const workers = [...this.#serving];
    const loads = workers.map((each) => ({
      speed: each.speed,
      left: this.#leftOf(each),
      position: each.position,
    }));
    return nextTask(workers.indexOf(worker), loads, [...this.#remaining]);
  }

  #take(part: Task): void {
    const whole = [...this.#remaining].find((task) => hasPart(task, part))!;
    this.#remaining.delete(whole);
    for (const rest of withoutPart(whole, part)) this.#remaining.add(rest);
  }

  /** What a worker tells of its task may be old, and a task's beginning is not counted in it. */
  #leftOf(worker: PoolWorker): number {
    const under = this.#current.get(worker);
    if (!under) return 0;
    const { task, started } = under;
    const likely = (performance.now() - started) * this.#pace * worker.speed;
    const done = Math.max(costOf(task) * worker.share, likely);
    return Math.max(costOf(task) * LEAST_LEFT, costOf(task) - done);
  }
}
