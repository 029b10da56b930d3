import { InputError } from '../src/util/errors.ts';
import type { GpuChoice } from './api/gpu.ts';
import { type Gpus, gpusOf } from './api/options.ts';
import type { JobBoard } from './job-board.ts';
import { lockJob } from './job-lock.ts';
import type { JobRunner } from './job-runner.ts';
import type { JobEntry } from './job-store.ts';
import { requireOwnOutput } from './output-clash.ts';

/** A job that waits or is under way. */
interface Turn {
  readonly id: string;
  /** It starts when all of them are free. The first one's runner works on it. */
  readonly gpus: Gpus;
  /** As in its record. */
  queued: number;
  /** Gives back the lock that keeps the job to this tab. */
  readonly release: () => void;
}

/** The jobs of this tab in the order of their turns: on each GPU one after the other. A job may take both. */
export class JobQueue {
  readonly #board: JobBoard;
  readonly #runners: Readonly<Record<GpuChoice, JobRunner>>;
  #running: readonly Turn[] = [];
  #waiting: readonly Turn[] = [];
  /** The last place that was given. */
  #last = 0;

  constructor(board: JobBoard, runners: Readonly<Record<GpuChoice, JobRunner>>) {
    this.#board = board;
    this.#runners = runners;
  }

  /** Whether the job waits or is under way in this tab. */
  has(id: string): boolean {
    return this.#ids().includes(id);
  }

  /** Throws InputError while jobs wait or are under way. */
  requireIdle(): void {
    if (this.#ids().length > 0) {
      throw new InputError(
        'Conversions are under way or wait for the GPU: wait for their end, or cancel them.',
      );
    }
  }

  /**
   * Lets a job wait for its turn, as `prepare` changes it. Throws what `prepare` throws, and InputError. `accepted` is
   * done when nothing can refuse the job any more, before it starts.
   */
  async add(
    id: string,
    prepare?: (entry: JobEntry) => Promise<JobEntry>,
    accepted?: (before: JobEntry, after: JobEntry) => Promise<void>,
  ): Promise<void> {
    if (this.has(id)) throw new InputError('This conversion is under way or waits already.');
    const release = await lockJob(id);
    try {
      const before = await this.#board.get(id);
      const after = prepare ? await prepare(before) : before;
      await requireOwnOutput(after, await Promise.all(this.#ids().map((each) => this.#board.get(each))));
      await accepted?.(before, after);
      const { record, ...rest } = after;
      const queued = this.#nextPlace();
      const { error: _, ...going } = record;
      await this.#board.change(id, { ...going, state: 'waiting', queued }, rest);
      this.#waiting = [...this.#waiting, { id, gpus: gpusOf(record.options), queued, release }];
    } catch (error) {
      release();
      throw error;
    }
    this.#advance();
  }

  /** Lets a job change places with the one before it on one of its GPUs; nothing when there is none. */
  async moveUp(id: string): Promise<void> {
    const at = this.#waiting.findIndex((turn) => turn.id === id);
    const turn = this.#waiting[at];
    const before = this.#waiting.findLastIndex((each, i) => i < at && turn && sharesGpu(each, turn));
    const other = this.#waiting[before];
    if (!turn || !other) return;
    this.#waiting = this.#waiting.with(at, other).with(before, turn);
    [turn.queued, other.queued] = [other.queued, turn.queued];
    for (const { id: moved, queued } of [turn, other]) await this.#board.change(moved, { queued });
    this.#advance();
  }

  /** Resolves when the job has stopped, or waits no more. */
  async cancel(id: string): Promise<void> {
    const turn = this.#waiting.find((each) => each.id === id);
    if (!turn) return this.runnerOf(id).cancel();
    this.#drop(turn);
    try {
      await this.#board.change(id, { state: 'cancelled' });
    } finally {
      turn.release();
      this.#advance();
    }
  }

  /** What works on the job. Throws InputError when nothing does. */
  runnerOf(id: string): JobRunner {
    const turn = this.#running.find((each) => each.id === id);
    if (!turn) throw new InputError('This job is not under way in this tab.');
    return this.#runners[turn.gpus[0]];
  }

  /** Behind all others, also when the clock has not moved on. */
  #nextPlace(): number {
    this.#last = Math.max(Date.now(), this.#last + 1);
    return this.#last;
  }

  #ids(): string[] {
    return [...this.#running, ...this.#waiting].map(({ id }) => id);
  }

  #drop(turn: Turn): void {
    this.#waiting = this.#waiting.filter((other) => other !== turn);
  }

  /** Begins with those whose turn has come on all of their GPUs. */
  #advance(): void {
    const taken = new Set(this.#running.flatMap(({ gpus }) => gpus));
    for (const turn of this.#waiting) {
      const isNext = turn.gpus.every((gpu) => !taken.has(gpu));
      // One that waits for its second GPU is passed by nobody on the first.
      for (const gpu of turn.gpus) taken.add(gpu);
      if (isNext) void this.#run(turn);
    }
  }

  async #run(turn: Turn): Promise<void> {
    this.#drop(turn);
    this.#running = [...this.#running, turn];
    // It fails only when its end cannot be kept; those behind it go on all the same.
    await this.#runners[turn.gpus[0]].run(turn.id).catch(() => {});
    this.#running = this.#running.filter((other) => other !== turn);
    turn.release();
    this.#advance();
  }
}

const sharesGpu = (one: Turn, other: Turn): boolean => one.gpus.some((gpu) => other.gpus.includes(gpu));
