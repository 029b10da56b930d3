import { assert, DeviceLostError } from '../src/util/errors.ts';
import { plainText } from '../src/util/text/plain-text.ts';
import type { AllocationRequest, JobError, JobState } from './api/jobs.ts';
import { breakOff } from './break-off.ts';
import type { GpuJob, RunMessage, RunOutcome } from './gpu-api.ts';
import type { GpuClient } from './gpu-client.ts';
import type { JobBoard } from './job-board.ts';
import type { JobRecorder } from './job-recorder.ts';
import { measureStep, readMeasurement, targetResult, targetStep } from './job-steps.ts';
import { requirePermissions } from './permissions.ts';
import { clearTarget } from './places.ts';

/** Lost devices in a row, without a module finished in between, that a job puts up with. */
const MOST_LOSSES = 3;
/** Times the number of losses: a browser needs a moment to start its GPU process again. */
const RESTART_MS = 1000;

interface Run {
  readonly id: string;
  paused: boolean;
  cancelled: boolean;
  /** Missing where none was begun with the job. */
  recorder?: JobRecorder;
  /** Resolves when the record says how it ended. */
  ended: Promise<void>;
}

/** Runs jobs on one GPU, one at a time, to their end or to the user's choice. */
export class JobRunner {
  readonly #board: JobBoard;
  readonly #gpu: GpuClient;
  #run: Run | undefined;

  constructor(board: JobBoard, gpu: GpuClient) {
    this.#board = board;
    this.#gpu = gpu;
  }

  /** Starts or goes on with a job. Resolves when its record says how it ended. */
  async run(id: string): Promise<void> {
    assert(!this.#run, `${id} was started while ${this.#run?.id} was under way`);
    const run: Run = { id, paused: false, cancelled: false, ended: Promise.resolve() };
    this.#run = run; // before anything is waited for, so that no second one starts
    run.ended = this.#work(run);
    await run.ended;
  }

  async pause(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    run.paused = true;
    await unlessLost(this.#gpu.worker.pause());
    // It may have come to its end meanwhile.
    if (this.#run === run) await this.#board.change(run.id, { state: 'paused' });
  }

  async unpause(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    run.paused = false;
    await unlessLost(this.#gpu.worker.unpause());
    if (this.#run === run) await this.#board.change(run.id, { state: 'running' });
  }

  /** Resolves when the job has stopped. */
  async cancel(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    run.cancelled = true;
    await breakOff(this.#gpu, this.#gpu.worker.cancel(), run.ended);
  }

  async #work(run: Run): Promise<void> {
    let end: { state: JobState; error?: JobError };
    try {
      const entry = await this.#board.change(run.id, { state: 'running' });
      await requirePermissions(entry);
      if (entry.record.recorded) {
        const { openRecorder } = await import('./job-recorder.ts');
        run.recorder = await openRecorder(run.id);
      }
      end = { state: await this.#steps(run) };
    } catch (error) {
      const { name, message } = error as Error;
      end = run.cancelled
        ? { state: 'cancelled' }
        : { state: 'failed', error: { name, message: plainText(message) } };
    }
    if (run.paused) await this.#gpu.worker.unpause().catch(() => {});
    await run.recorder?.close();
    this.#run = undefined;
    await this.#board.change(run.id, end);
  }

  async #steps(run: Run): Promise<JobState> {
    const { id } = run;
    let entry = await this.#board.get(id);
    let measurement = entry.record.measured ? await readMeasurement(id) : undefined;
    if (measurement === undefined) {
      await this.#runEngine(run, measureStep(entry));
      entry = await this.#board.change(id, { measured: true });
      measurement = await readMeasurement(id);
    }
    for (const target of entry.record.targets) {
      if (entry.record.results.some(({ bits }) => bits === target.bits)) continue;
      entry = await this.#makeTarget(run, target, measurement);
    }
    return entry.record.targets.length === 0 ? 'choosing' : 'done';
  }

  async #makeTarget(run: Run, target: AllocationRequest, measurement: unknown) {
    const entry = await this.#board.get(run.id);
    const outcome = await this.#runEngine(run, targetStep(entry, target, measurement), target.bits);
    const result = await targetResult(entry, target.bits, outcome);
    const done = await this.#board.change(run.id, { results: [...entry.record.results, result] });
    await clearTarget(run.id, target.bits);
    return done;
  }

  /** Runs the engine; when the device is lost, again with a new one, which goes on from the last finished module. */
  async #runEngine(run: Run, job: GpuJob, bits?: number): Promise<RunOutcome> {
    let losses = 0;
    for (;;) {
      if (run.cancelled) throw new DOMException('cancelled', 'AbortError');
      try {
        return await this.#gpu.worker.run(job, (message) => {
          if (isProgress(message)) losses = 0;
          this.#pass(run, bits, message);
        });
      } catch (error) {
        const { name, message } = error as Error;
        // Right after a loss there may be no adapter for a moment.
        const isLoss = name === 'DeviceLostError' || (losses > 0 && name === 'UnsupportedError');
        if (!isLoss || run.cancelled) throw error;
        losses++;
        if (losses > MOST_LOSSES) throw lostTooOften(message);
        await this.#recover(run, losses, bits);
      }
    }
  }

  async #recover(run: Run, losses: number, bits: number | undefined): Promise<void> {
    const message = `The GPU was lost. Going on with the last finished module, attempt ${losses} of ${MOST_LOSSES} …`;
    this.#pass(run, bits, { type: 'events', events: [{ type: 'warning', message }] });
    this.#gpu.restart();
    await new Promise((resolve) => setTimeout(resolve, losses * RESTART_MS));
    if (run.paused) await unlessLost(this.#gpu.worker.pause());
  }

  #pass({ id, paused, recorder }: Run, bits: number | undefined, message: RunMessage): void {
    recorder?.see(message, bits, paused);
    const target = bits === undefined ? {} : { bits };
    this.#board.tell(message.type === 'rates' ? { ...message, id } : { ...message, id, ...target });
  }
}

/** A worker that is lost meanwhile cannot answer: the next one begins unpaused, and is paused if the run is. */
async function unlessLost(told: Promise<void>): Promise<void> {
  try {
    await told;
  } catch (error) {
    if ((error as Error).name !== 'DeviceLostError') throw error;
  }
}

const isProgress = (message: RunMessage): boolean =>
  message.type === 'events' && message.events.some((event) => event.type === 'module' && !event.resumed);

const lostTooOften = (reason: string): DeviceLostError =>
  new DeviceLostError(
    `${reason} It was lost ${MOST_LOSSES + 1} times without getting further. Close other programs that use the GPU, ` +
      'update its driver or allow less GPU memory, then go on; what is finished is kept.',
  );
