import type { TextRequest } from '../src/inference/text-request.ts';
import { InputError } from '../src/util/errors.ts';
import { expectedResidence, type TextListener } from './api/texts.ts';
import { breakOff } from './break-off.ts';
import type { GpuText } from './gpu-api.ts';
import type { GpuClient } from './gpu-client.ts';
import type { JobBoard } from './job-board.ts';
import type { JobQueue } from './job-queue.ts';
import type { JobEntry } from './job-store.ts';

/** Failures after which the GPU worker is as good as before. */
const HARMLESS: ReadonlySet<string> = new Set(['InputError', 'UnsupportedError', 'OutOfMemoryError']);

interface Run {
  stopped: boolean;
  ended: Promise<unknown>;
}

/** Lets a job's original and one of its outputs continue the same prompt, one after the other on the one GPU. */
export class SideBySide {
  readonly #board: JobBoard;
  readonly #gpu: GpuClient;
  readonly #queue: JobQueue;
  #run: Run = { stopped: true, ended: Promise.resolve() };

  constructor(board: JobBoard, gpu: GpuClient, queue: JobQueue) {
    this.#board = board;
    this.#gpu = gpu;
    this.#queue = queue;
  }

  /** Resolves when both have written, or it was stopped. A model that cannot does not keep the other from it. */
  async write(id: string, bits: number, request: TextRequest, listener: TextListener): Promise<void> {
    this.#queue.requireIdle();
    const run: Run = { stopped: false, ended: Promise.resolve() };
    const work = this.stop().then(() => this.#both(run, id, bits, request, listener));
    run.ended = work.catch(() => {});
    this.#run = run; // at once, so that it can be stopped
    await work;
  }

  /** Resolves when nothing is written any more. */
  async stop(): Promise<void> {
    const run = this.#run;
    if (!run.stopped) {
      run.stopped = true;
      // A prompt that the tokenizer comes to no end with is never interrupted.
      await breakOff(this.#gpu, this.#gpu.worker.stopWriting(), run.ended);
    }
    await run.ended;
  }

  /** Stops, and gives the memory of the models back. */
  async free(): Promise<void> {
    await this.stop();
    await this.#gpu.worker.freeModels().catch(() => {}); // a worker that has stopped holds none
  }

  async #both(
    run: Run,
    id: string,
    bits: number,
    request: TextRequest,
    listener: TextListener,
  ): Promise<void> {
    const entry = await this.#board.get(id);
    let written: readonly number[] | undefined;
    for (const text of textsOf(entry, bits, request)) {
      if (run.stopped) return;
      // At the last moment: a conversion that starts later stops the text, one that started meanwhile keeps it away.
      this.#queue.requireIdle();
      const drafted = written && text.side === 'original' ? { ...text, draft: written } : text;
      written = await this.#one(run, drafted, listener);
    }
    run.stopped = true;
  }

  /** Gives the tokens that it has written. */
  async #one(run: Run, text: GpuText, listener: TextListener): Promise<readonly number[]> {
    const { side } = text;
    let ids: number[] = [];
    try {
      await this.#gpu.worker.write(text, (events) => {
        for (const event of events) {
          if (event.type === 'loading') ids = [];
          if (event.type === 'token') ids.push(event.id);
        }
        return listener({ side, events });
      });
    } catch (error) {
      const { name, message } = error as Error;
      if (name === 'AbortError') run.stopped = true;
      else if (!HARMLESS.has(name)) this.#gpu.restart();
      // Of what ends because it was stopped there is nothing to say.
      if (!run.stopped) await listener({ side, events: [{ type: 'failed', name, message }] });
    }
    return ids;
  }
}

/** In their order: where each run of the original takes long it comes last, as it can start from the output's text. */
function textsOf({ record, source, output }: JobEntry, bits: number, request: TextRequest): GpuText[] {
  const { id, options, model, results } = record;
  if (!results.some((result) => result.bits === bits)) {
    throw new InputError(`This conversion has no output of ${bits} bits per weight (any more).`);
  }
  const common = { id, request, gpuBudgetBytes: options.gpuBudgetBytes };
  const original: GpuText = { ...common, side: 'original', source };
  const quantized: GpuText = { ...common, side: 'quantized', output, modelName: model.name, bits };
  const isSlow = expectedResidence(model, options.gpuBudgetBytes) === 'streamed';
  return isSlow ? [quantized, original] : [original, quantized];
}
