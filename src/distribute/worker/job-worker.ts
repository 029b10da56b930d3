import { chooseVariants } from '../../autotune/choose-variants.ts';
import type { SpeedStore } from '../../autotune/kept-speeds.ts';
import { productSpeed } from '../../autotune/measure-speeds.ts';
import type { QuantParams } from '../../exl2/params.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import type { ReadableDirectory, WritableDirectory } from '../../io/bytes.ts';
import { workDirectory } from '../../io/work/work-directory.ts';
import type { StageContext } from '../../job/context.ts';
import { type Control, checkControl } from '../../job/control.ts';
import type { Emit } from '../../job/events.ts';
import { Measurer } from '../../measure/measurer.ts';
import type { MeasuredPart } from '../../measurement/measured-part.ts';
import type { CandidateRange } from '../../measurement/module-candidates.ts';
import { openModel } from '../../model/check/open-model.ts';
import { StateStore } from '../../model/gpu/states/state-store.ts';
import type { InputKey, LinearSpec } from '../../model/spec.ts';
import { rowsPerBatch, withFittingBatch } from '../../pass/batch-size.ts';
import type { Perplexity } from '../../pass/perplexity.ts';
import type { SumPiece } from '../../pass/sums/hessian-sums.ts';
import type { RowPart } from '../../pass/sums/row-parts.ts';
import { WorkerRows } from '../../quantize/worker/worker-rows.ts';
import type { HostTensor } from '../../tensor/dtype.ts';
import { assert } from '../../util/errors.ts';
import {
  PIECES_UNDER_WAY,
  type WorkerApi,
  type WorkerFacts,
  type WorkerJob,
  type WorkerProgress,
} from '../leader/api.ts';

/** What a worker's host hands in. */
interface WorkerHost {
  readonly gpu: Gpu;
  readonly adapter: string;
  readonly model: ReadableDirectory;
  readonly work: WritableDirectory;
  /** Keeps the measured speeds of its GPU. */
  readonly speeds: SpeedStore;
  /** Its `signal` is not the leader's; an AbortError that `resumed` throws ends the leader's call. */
  readonly control: Control;
}

interface OpenJob {
  readonly context: StageContext;
  readonly rows: WorkerJob;
}

/** A worker's own side: does what the leader asks for, on its own GPU, one thing after the other; sums are read at any time. */
export class JobWorker implements WorkerApi {
  readonly #host: WorkerHost;
  #job: OpenJob | undefined;
  #measurer: Measurer | undefined;
  #pass: WorkerRows | undefined;
  /** Rows that have fitted so far; in the midst of an advance it is too late to take fewer. */
  #batch = 1;
  /** For pieces on their way, in turn: new memory is slow. What was handed over is empty. */
  readonly #memory: Uint8Array<ArrayBuffer>[] = [];
  #share = 0;
  /** What the leader has not been told of yet. */
  #adjusted: string[] = [];
  /** The leader may have given up what it asked for before. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(host: WorkerHost) {
    this.#host = host;
  }

  async open(job: WorkerJob, first?: number): Promise<WorkerFacts> {
    const { gpu, adapter, model, work, control } = this.#host;
    const { quantizer, precision } = job.settings;
    const known = job.measured?.adapter === adapter ? job.measured.speeds : undefined;
    const speeds = await chooseVariants(gpu, precision, this.#host.speeds, known);
    const { source, plan } = await openModel(model, job.settings);
    const emit: Emit = (event) => {
      if (event.type === 'adjustment') this.#adjusted.push(event.message);
    };
    const context = {
      ...{ gpu, source, plan, work: workDirectory(work), quantizer, emit, control, speeds },
      stateStore: new StateStore(job.stateRoom, work.scratch),
    };
    this.#job = { context, rows: job };
    // Should this fail, it is told when it is asked to measure.
    if (first !== undefined) this.#afterLast(() => this.#measuring.goTo(first)).catch(() => {});
    return { adapter, flopsPerSecond: productSpeed(speeds) };
  }

  status(): WorkerProgress {
    const adjusted = this.#adjusted;
    this.#adjusted = [];
    return { share: this.#share, memoryBytes: this.#host.gpu.memory.used, adjusted };
  }

  measure(index: number, range: CandidateRange): Promise<MeasuredPart> {
    return this.#afterLast(() => {
      this.#share = 0;
      return this.#measuring.measure(index, range, (share) => {
        this.#share = share;
      });
    });
  }

  beginPass(parts: readonly RowPart[], originalRows: number): Promise<void> {
    return this.#afterLast(async ({ context, rows: { quantization: rows } }) => {
      await this.#measurer?.free();
      this.#measurer = undefined;
      await this.#pass?.free();
      assert(rows, 'a pass was begun of a job that only measures');
      this.#pass = await WorkerRows.open(context, rows, { parts, originalRows, firstRows: 0 });
      this.#batch = rowsPerBatch(context.gpu, context.plan, rows.length);
      await this.#pass.start();
    });
  }

  sumRows(index: number, inputs: readonly InputKey[], mixed: boolean): Promise<readonly SumPiece[]> {
    return this.#inBatches(index, async (pass, batch) => {
      const sums = await pass.beginSums(index, inputs);
      await pass.sum(index, mixed, batch);
      return sums.pieces;
    });
  }

  async readSum(piece: SumPiece): Promise<Uint8Array<ArrayBuffer>> {
    const size = piece.end - piece.start;
    const used = this.#memory.length >= PIECES_UNDER_WAY ? this.#memory.shift() : undefined;
    const bytes = used?.length === size ? used : new Uint8Array(size);
    this.#memory.push(bytes);
    await this.#begun.sums.readPiece(piece, bytes);
    return bytes;
  }

  runOriginal(index: number, mixed: boolean): Promise<void> {
    return this.#inBatches(index, (pass, batch) => pass.runOriginal(index, mixed, batch));
  }

  originalPerplexity(mixed: boolean): Promise<Perplexity> {
    return this.#inBatches(undefined, async (pass) => {
      const perplexity = await pass.originalPerplexity(mixed);
      pass.release();
      return perplexity;
    });
  }

  takeSum(index: number, input: InputKey, sum: Uint8Array<ArrayBuffer>, rows: number): Promise<void> {
    return this.#afterLast(() => {
      this.#begun.freeSums();
      return this.#begun.linears.takeSum(index, input, sum, rows);
    });
  }

  quantizeLinear(index: number, name: string, params: QuantParams): Promise<readonly HostTensor[]> {
    return this.#afterLast(async ({ context }) => {
      await checkControl(context.control);
      return this.#begun.linears.quantize(index, linearOf(context, index, name), params);
    });
  }

  takeLinear(index: number, name: string, tensors: readonly HostTensor[]): Promise<void> {
    return this.#afterLast(({ context }) =>
      this.#begun.modules.take(index, linearOf(context, index, name), tensors),
    );
  }

  advanceRows(index: number, mixed: boolean): Promise<void> {
    return this.#afterLast(() => this.#begun.advance(index, mixed, this.#batch));
  }

  get #measuring(): Measurer {
    assert(this.#job, 'a worker measures before it is opened');
    this.#measurer ??= new Measurer(this.#job.context, this.#job.rows.measurement);
    return this.#measurer;
  }

  get #begun(): WorkerRows {
    assert(this.#pass, 'a worker is asked for rows before the pass has begun');
    return this.#pass;
  }

  /** Starts again with fewer rows at a time where memory does not suffice. */
  #inBatches<T>(
    index: number | undefined,
    work: (pass: WorkerRows, batch: number) => Promise<T>,
  ): Promise<T> {
    return this.#afterLast(({ context }) => {
      const pass = this.#begun;
      const { modules, head } = context.plan;
      const { key } = modules[index ?? modules.length] ?? head;
      return withFittingBatch(context, this.#batch, key, pass.states, async (batch) => {
        this.#batch = batch;
        try {
          return await work(pass, batch);
        } catch (error) {
          pass.release();
          throw error;
        }
      });
    });
  }

  #afterLast<T>(work: (job: OpenJob) => Promise<T>): Promise<T> {
    const next = this.#last.then(() => {
      assert(this.#job, 'a worker is asked before it is opened');
      return work(this.#job);
    });
    this.#last = next.catch(() => {});
    return next;
  }
}

const linearOf = ({ plan }: StageContext, index: number, name: string): LinearSpec =>
  plan.modules[index]!.linears.find((linear) => linear.name === name)!;
