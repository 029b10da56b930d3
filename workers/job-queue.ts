import { InputError } from '../src/util/errors.ts';
import type { GpuChoice } from './api.ts';
import type { JobBoard } from './job-board.ts';
import { lockJob } from './job-lock.ts';
import type { JobRunner } from './job-runner.ts';
import type { JobEntry } from './job-store.ts';
import { requireOwnOutput } from './output-clash.ts';

/** A job that waits. */
interface Turn {
  readonly id: string;
  readonly runner: JobRunner;
  /** As in its record. */
  queued: number;
  /** Gives back the lock that keeps the job to this tab. */
  readonly release: () => void;
}

/** The jobs of this tab in the order of their turns: on each GPU one after the other. */
export class JobQueue {
  readonly #board: JobBoard;
  readonly #runners: Readonly<Record<GpuChoice, JobRunner>>;
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

  /** Lets a job wait for its turn, as `prepare` changes it. Throws what `prepare` throws, and InputError. */
  async add(id: string, prepare?: (entry: JobEntry) => Promise<JobEntry>): Promise<void> {
    if (this.has(id)) throw new InputError('This conversion is under way or waits already.');
    const release = await lockJob(id);
    try {
      const entry = await this.#board.get(id);
      const { record, ...rest } = prepare ? await prepare(entry) : entry;
      await requireOwnOutput(
        { record, ...rest },
        await Promise.all(this.#ids().map((each) => this.#board.get(each))),
      );
      const queued = this.#nextPlace();
      const { error: _, ...going } = record;
      await this.#board.change(id, { ...going, state: 'waiting', queued }, rest);
      const runner = this.#runners[record.options.gpu ?? 'high-performance'];
      this.#waiting = [...this.#waiting, { id, runner, queued, release }];
    } catch (error) {
      release();
      throw error;
    }
    this.#advance();
  }

  /** Lets a job change places with the one before it on the same GPU; nothing when there is none. */
  async moveUp(id: string): Promise<void> {
    const at = this.#waiting.findIndex((turn) => turn.id === id);
    const turn = this.#waiting[at];
    const before = this.#waiting.findLastIndex(({ runner }, i) => i < at && runner === turn?.runner);
    const other = this.#waiting[before];
    if (!turn || !other) return;
    this.#waiting = this.#waiting.with(at, other).with(before, turn);
    [turn.queued, other.queued] = [other.queued, turn.queued];
    for (const { id: moved, queued } of [turn, other]) await this.#board.change(moved, { queued });
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
    }
  }

  /** What works on the job. Throws InputError when nothing does. */
  runnerOf(id: string): JobRunner {
    const runner = Object.values(this.#runners).find(({ active }) => active === id);
    if (!runner) throw new InputError('This job is not under way in this tab.');
    return runner;
  }

  /** Behind all others, also when the clock has not moved on. */
  #nextPlace(): number {
    this.#last = Math.max(Date.now(), this.#last + 1);
    return this.#last;
  }

  #ids(): string[] {
    const active = Object.values(this.#runners).flatMap((runner) => runner.active ?? []);
    return [...active, ...this.#waiting.map(({ id }) => id)];
  }

  #drop(turn: Turn): void {
    this.#waiting = this.#waiting.filter((other) => other !== turn);
  }

  /** Begins with the first that waits for each GPU that is free. */
  #advance(): void {
    for (const turn of this.#waiting) {
      if (turn.runner.active !== undefined) continue;
      this.#drop(turn);
      void this.#run(turn);
    }
  }

  async #run({ id, runner, release }: Turn): Promise<void> {
    // It fails only when its end cannot be kept; those behind it go on all the same.
    await runner.run(id).catch(() => {});
    release();
    this.#advance();
  }
}
