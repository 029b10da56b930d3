import type { Emit, WorkerStatus } from '../../job/events.ts';
import { UntilEnd } from '../../util/until-end.ts';
import type { RemoteWorkerApi, WorkerLink } from './api.ts';

/** A worker has ended, or cannot go on: what it was to do is for the others. */
export class WorkerLostError extends Error {
  override readonly name = 'WorkerLostError';
}

const STATUS_MS = 1000;

/** A worker as the leader sees it: the leader itself, or another one. */
export class PoolWorker {
  readonly id: number;
  readonly adapter: string;
  /** Floating-point operations per second. */
  readonly speed: number;
  /** Why it is lost, if it is. */
  loss: WorkerLostError | undefined;
  memoryBytes = 0;
  /** Number of the module that its measurement's states are before, once it has done what it was asked for. */
  position = 0;
  /** Of the task under way that is done, 0…1. */
  share = 0;
  /** What it was asked for and has not done, in order. */
  readonly #doing: string[] = [];
  #since = performance.now();
  #busyMs = 0;

  constructor(id: number, adapter: string, speed: number) {
    this.id = id;
    this.adapter = adapter;
    this.speed = speed;
  }

  get isBusy(): boolean {
    return this.#doing.length > 0;
  }

  /** Counts the time of `work` as the worker's; what it is asked for meanwhile it does after that. */
  async during<T>(doing: string, work: () => Promise<T>): Promise<T> {
    if (!this.isBusy) this.#since = performance.now();
    this.#doing.push(doing);
    this.share = 0;
    try {
      return await work();
    } finally {
      this.#doing.splice(this.#doing.indexOf(doing), 1);
      if (!this.isBusy) this.#busyMs += performance.now() - this.#since;
    }
  }

  status(started: number): WorkerStatus {
    const now = performance.now();
    const busyMs = this.#busyMs + (this.isBusy ? now - this.#since : 0);
    return {
      id: this.id,
      adapter: this.adapter,
      doing: this.loss ? 'lost' : (this.#doing[0] ?? 'waits'),
      busy: Math.min(1, busyMs / Math.max(1, now - started)),
      memoryBytes: this.memoryBytes,
      speed: this.speed,
    };
  }
}

/** Another worker than the leader, with what the leader knows of it. */
export class RemoteWorker extends PoolWorker {
  readonly name: string;
  readonly #link: WorkerLink;
  readonly #untilEnd: UntilEnd;
  #onShare: ((share: number) => void) | undefined;

  constructor(id: number, link: WorkerLink, adapter: string, speed: number) {
    super(id, adapter, speed);
    this.name = link.name;
    this.#link = link;
    this.#untilEnd = new UntilEnd(link.ended);
  }

  /**
   * @param onShare called now and then with the share of the work that is done.
   * @throws WorkerLostError whatever goes wrong; the worker is given nothing more. AbortError: the job is cancelled.
   */
  async call<T>(
    doing: string,
    work: (api: RemoteWorkerApi) => Promise<T>,
    onShare?: (share: number) => void,
  ): Promise<T> {
    if (this.loss) throw this.loss;
    this.#onShare = onShare;
    try {
      return await this.during(doing, () => this.#untilEnd.answer(work(this.#link.api)));
    } catch (error) {
      const { name, message } = error as Error;
      if (name === 'AbortError') throw error;
      this.loss ??= new WorkerLostError(`${this.name} (${this.adapter}) is lost: ${message}.`);
      throw this.loss;
    }
  }

  /** Gives back large data of an answer that is used up. */
  release(data: Uint8Array<ArrayBuffer>): void {
    this.#link.release?.(data);
  }

  /**
   * Asks how far it is; a worker that does not answer is found out by its call under way.
   * @returns what it has adjusted since the last time.
   */
  async look(): Promise<readonly string[]> {
    if (this.loss) return [];
    const { share, memoryBytes, adjusted } = await this.#link.api.status();
    this.memoryBytes = memoryBytes;
    // The answer may come after the task.
    if (this.isBusy) {
      this.share = share;
      this.#onShare?.(share);
    }
    return adjusted;
  }
}

/** All workers of a job. */
export class WorkerPool {
  readonly leader: PoolWorker;
  readonly #remotes: readonly RemoteWorker[];
  readonly #emit: Emit;
  readonly #told = new Set<RemoteWorker>();
  readonly #started = performance.now();
  readonly #timer: ReturnType<typeof setInterval> | undefined;

  /** @param leaderMemory GPU memory that the leader has in use. */
  constructor(leader: PoolWorker, remotes: readonly RemoteWorker[], leaderMemory: () => number, emit: Emit) {
    this.leader = leader;
    this.#remotes = remotes;
    this.#emit = emit;
    if (remotes.length === 0) return;
    this.#timer = setInterval(() => {
      leader.memoryBytes = leaderMemory();
      for (const worker of remotes) this.#look(worker).catch(() => {});
      this.#report();
    }, STATUS_MS);
  }

  /** Those that are still there. */
  get remotes(): readonly RemoteWorker[] {
    return this.#remotes.filter(({ loss }) => !loss);
  }

  /** Tells of each one that is lost, once. */
  warnOfLost(): void {
    const untold = this.#remotes.filter((worker) => worker.loss && !this.#told.has(worker));
    for (const worker of untold) {
      this.#told.add(worker);
      this.#emit({ type: 'warning', message: `${worker.loss!.message} The other workers do its work.` });
    }
    if (untold.length > 0) this.#report();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  async #look(worker: RemoteWorker): Promise<void> {
    for (const message of await worker.look()) {
      this.#emit({ type: 'adjustment', message: `${worker.name}: ${message}` });
    }
  }

  #report(): void {
    const workers = [this.leader, ...this.#remotes].map((worker) => worker.status(this.#started));
    this.#emit({ type: 'workers', workers });
  }
}
