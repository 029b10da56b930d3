import type { Gpu } from '../src/gpu/gpu.ts';
import { type GeneratedToken, generate } from '../src/inference/generate.ts';
import { LanguageModel } from '../src/inference/language-model.ts';
import type { TextEnd, TextRequest } from '../src/inference/text-request.ts';
import type { ReadableDirectory } from '../src/io/bytes.ts';
import { loadedBytes, residenceFor } from '../src/runnable/loaded-bytes.ts';
import { RESIDENCES, type Residence } from '../src/runnable/residence.ts';
import { openRunnableModel, type RunnableModel } from '../src/runnable/runnable-model.ts';
import { loadTokenizer, type Tokenizer } from '../src/tokenizer/tokenizer.ts';
import { OutOfMemoryError, UnsupportedError } from '../src/util/errors.ts';
import { formatDecimalSize } from '../src/util/text/byte-size.ts';
import type { TextEvent, TextSide } from './api/texts.ts';

/** Told of each step: the other model's choice is mostly among so many. */
const LIKELY_TOKENS = 8;

/** A prompt for one of a job's models. */
export interface Writing {
  readonly side: TextSide;
  /** By which the model is known for the next prompt. */
  readonly key: string;
  readonly open: () => Promise<ReadableDirectory> | ReadableDirectory;
  readonly request: TextRequest;
  readonly gpuBudgetBytes: number;
  /** A text that may come out: see `generate`. */
  readonly draft?: readonly number[];
}

interface KeptModel {
  readonly key: string;
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
}

/**
 * Continues prompts, one at a time. It keeps the models for the next prompt, at most an original and an output, on a
 * device of its own that goes with them.
 */
export class TextWriter {
  readonly #openGpu: (budget: number) => Promise<Gpu>;
  readonly #kept = new Map<TextSide, KeptModel>();
  #gpu: Gpu | undefined;
  #current: { readonly controller: AbortController; readonly ended: Promise<unknown> } | undefined;

  constructor(openGpu: (budget: number) => Promise<Gpu>) {
    this.#openGpu = openGpu;
  }

  /**
   * Throws an AbortError when it is stopped, UnsupportedError or OutOfMemoryError when the model does not fit. Weights of
   * an original that do not fit stay in 16 bits, or in its files.
   */
  async write(writing: Writing, emit: (event: TextEvent) => void): Promise<void> {
    const controller = new AbortController();
    const work = this.stop().then(() => this.#write(writing, controller.signal, emit));
    this.#current = { controller, ended: work.catch(() => {}) }; // at once, so that it can be stopped
    await work;
  }

  /** Resolves when nothing is written any more. */
  async stop(): Promise<void> {
    this.#current?.controller.abort();
    await this.#current?.ended;
  }

  /** Stops, and gives all GPU memory back. */
  async free(): Promise<void> {
    await this.stop();
    for (const side of [...this.#kept.keys()]) this.#drop(side);
    this.#gpu?.destroy();
    this.#gpu = undefined;
  }

  async #write(writing: Writing, signal: AbortSignal, emit: (event: TextEvent) => void): Promise<void> {
    const { side, key } = writing;
    signal.throwIfAborted();
    if (this.#kept.get(side)?.key !== key) this.#drop(side);
    this.#gpu ??= await this.#openGpu(writing.gpuBudgetBytes);
    try {
      await this.#fit(writing, signal, emit);
    } catch (error) {
      // Its files may have changed, or the memory may be needed: the next prompt opens it anew.
      if (!signal.aborted) this.#drop(side);
      if (!(error instanceof OutOfMemoryError)) throw error;
      throw new OutOfMemoryError(`GPU memory does not suffice for it: ${error.message}.`);
    }
  }

  /** Where memory runs out it makes room, and tries again: first of the other model's, then of its own weights. */
  async #fit(writing: Writing, signal: AbortSignal, emit: (event: TextEvent) => void): Promise<void> {
    const { side } = writing;
    let fastest: Residence = 'ready';
    for (;;) {
      const told = (event: TextEvent) => {
        if (event.type === 'placed') fastest = event.residence;
        emit(event);
      };
      try {
        return await this.#continue(this.#gpu!, writing, fastest, signal, told);
      } catch (error) {
        if (!(error instanceof OutOfMemoryError)) throw error;
        if (this.#dropOther(side)) continue;
        const slower: Residence | undefined =
          side === 'original' ? RESIDENCES[RESIDENCES.indexOf(fastest) + 1] : undefined;
        if (!slower) throw error;
        fastest = slower;
        this.#drop(side);
      }
    }
  }

  async #continue(
    gpu: Gpu,
    writing: Writing,
    fastest: Residence,
    signal: AbortSignal,
    emit: (event: TextEvent) => void,
  ): Promise<void> {
    const { request, draft } = writing;
    const kept = this.#kept.get(writing.side);
    if (kept) emit({ type: 'placed', residence: kept.model.residence });
    const { model, tokenizer } = kept ?? (await this.#load(gpu, writing, fastest, signal, emit));
    emit({ type: 'loading', done: 1, total: 1 });
    const onModule = (done: number, total: number) => {
      signal.throwIfAborted();
      if (model.residence === 'streamed') emit({ type: 'run', done, total });
    };
    const tokens = generate(gpu, model, tokenizer, {
      ...{ ...request, signal, likely: LIKELY_TOKENS, onModule },
      ...(draft && { draft }),
    });
    let step: IteratorResult<GeneratedToken, TextEnd> = await tokens.next();
    for (; !step.done; step = await tokens.next()) {
      const { id, text, likely, promptSeconds, tokensPerSecond } = step.value;
      emit({ type: 'token', id, text, likely });
      emit({ type: 'speed', promptSeconds, tokensPerSecond });
    }
    emit({ type: 'ended', end: step.value });
  }

  async #load(
    gpu: Gpu,
    { side, key, open }: Writing,
    fastest: Residence,
    signal: AbortSignal,
    emit: (event: TextEvent) => void,
  ): Promise<KeptModel> {
    const directory = await open();
    const opened = await openRunnableModel(directory);
    const residence = residenceWithin(opened, gpu.memory.budget, fastest);
    emit({ type: 'placed', residence });
    const tokenizer = await loadTokenizer(directory);
    const onModule = (done: number, total: number) => {
      signal.throwIfAborted();
      emit({ type: 'loading', done, total });
    };
    const model = await LanguageModel.load(gpu, opened, onModule, residence);
    const kept = { key, model, tokenizer };
    this.#kept.set(side, kept);
    return kept;
  }

  #drop(side: TextSide): void {
    this.#kept.get(side)?.model.free();
    this.#kept.delete(side);
  }

  /** Makes room for `side`; tells whether there was something to drop. */
  #dropOther(side: TextSide): boolean {
    const other = side === 'original' ? 'quantized' : 'original';
    const wasKept = this.#kept.has(other);
    this.#drop(other);
    return wasKept;
  }
}

/** Known before minutes of reading. Throws UnsupportedError for an EXL2 model that does not fit. */
function residenceWithin(model: RunnableModel, budget: number, fastest: Residence): Residence {
  const bytes = loadedBytes(model);
  if (model.quantization && bytes > budget) {
    throw new UnsupportedError(
      `Its weights take ${formatDecimalSize(bytes)} of GPU memory; ${formatDecimalSize(budget)} may be used: ` +
        'start the conversion with a larger GPU memory budget if the GPU has more.',
    );
  }
  const first = residenceFor(model, budget);
  return RESIDENCES.indexOf(first) > RESIDENCES.indexOf(fastest) ? first : fastest;
}
