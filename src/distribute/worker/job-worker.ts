import { chooseVariants } from '../../autotune/choose-variants.ts';
import type { SpeedStore } from '../../autotune/kept-speeds.ts';
import { productSpeed } from '../../autotune/measure-speeds.ts';
import type { QuantParams } from '../../exl2/params.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { withScope } from '../../gpu/scope.ts';
import type { ReadableDirectory, WritableDirectory } from '../../io/bytes.ts';
import { workDirectory } from '../../io/work/work-directory.ts';
import type { StageContext } from '../../job/context.ts';
import type { Control } from '../../job/control.ts';
import { Measurer } from '../../measure/measurer.ts';
import type { MeasuredPart } from '../../measurement/measured-part.ts';
import type { CandidateRange } from '../../measurement/module-candidates.ts';
import { openModel } from '../../model/check/open-model.ts';
import { loadLinear } from '../../model/gpu/weights.ts';
import type { InputKey } from '../../model/spec.ts';
import type { Perplexity } from '../../pass/perplexity.ts';
import type { SumPiece } from '../../pass/sums/hessian-sums.ts';
import type { RowPart } from '../../pass/sums/row-parts.ts';
import type { HostTensor } from '../../tensor/dtype.ts';
import { assert } from '../../util/errors.ts';
import type { WorkerApi, WorkerFacts, WorkerJob, WorkerProgress } from '../leader/api.ts';
import { WorkerLinears } from './worker-linears.ts';
import { WorkerRows } from './worker-rows.ts';

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
  readonly linears: WorkerLinears;
}

/** A worker's own side: does what the leader asks for, on its own GPU, one thing after the other; sums are read at any time. */
export class JobWorker implements WorkerApi {
  readonly #host: WorkerHost;
  #job: OpenJob | undefined;
  #measurer: Measurer | undefined;
  #pass: WorkerRows | undefined;
  #share = 0;
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
    const context = {
      ...{ gpu, source, plan, work: workDirectory(work), quantizer, emit: () => {}, control, speeds },
    };
    this.#job = { context, rows: job, linears: new WorkerLinears(context) };
    // Should this fail, it is told when it is asked to measure.
    if (first !== undefined) this.#afterLast(() => this.#measuring.goTo(first)).catch(() => {});
    return { adapter, flopsPerSecond: productSpeed(speeds) };
  }

  status(): WorkerProgress {
    return { share: this.#share, memoryBytes: this.#host.gpu.memory.used };
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
    return this.#afterLast(async ({ context, rows, linears }) => {
      linears.free();
      this.#measurer?.free();
      this.#measurer = undefined;
      await this.#pass?.free();
      this.#pass = undefined;
      if (parts.length === 0) return;
      assert(rows.quantization, 'a pass was begun of a job that only measures');
      this.#pass = new WorkerRows(context, rows.quantization, parts, originalRows);
      await this.#pass.start();
    });
  }

  sumRows(index: number, mixed: boolean): Promise<readonly SumPiece[]> {
    return this.#afterLast(({ linears }) => {
      linears.free();
      return this.#begun.sum(index, mixed);
    });
  }

  readSum(piece: SumPiece): Promise<Uint8Array<ArrayBuffer>> {
    return this.#begun.readSum(piece);
  }

  runOriginal(index: number, mixed: boolean): Promise<void> {
    return this.#afterLast(() => this.#begun.runOriginal(index, mixed));
  }

  originalPerplexity(mixed: boolean): Promise<Perplexity> {
    return this.#afterLast(() => this.#begun.originalPerplexity(mixed));
  }

  takeSum(index: number, input: InputKey, sum: Uint8Array<ArrayBuffer>, rows: number): Promise<void> {
    return this.#afterLast(({ context, linears }) => {
      this.#pass?.freeSums();
      return linears.takeSum(context.plan.modules[index]!, input, sum, rows);
    });
  }

  quantizeLinear(index: number, name: string, params: QuantParams): Promise<readonly HostTensor[]> {
    return this.#afterLast(async ({ context: { gpu, plan, source }, linears }) => {
      const linear = plan.modules[index]!.linears.find((each) => each.name === name)!;
      if (this.#pass?.holds(index)) {
        return this.#pass.replace(linear, (scope, weight) => linears.quantize(scope, linear, weight, params));
      }
      return withScope(gpu, async (scope) => {
        const weight = await loadLinear(gpu, scope, source, linear);
        return (await linears.quantize(scope, linear, weight, params)).tensors;
      });
    });
  }

  takeLinear(index: number, name: string, tensors: readonly HostTensor[]): Promise<void> {
    return this.#afterLast(() => this.#begun.takeLinear(index, name, tensors));
  }

  advanceRows(index: number, mixed: boolean): Promise<void> {
    return this.#afterLast(({ linears }) => {
      linears.free();
      return this.#begun.advance(index, mixed);
    });
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

  #afterLast<T>(work: (job: OpenJob) => Promise<T>): Promise<T> {
    const next = this.#last.then(() => {
      assert(this.#job, 'a worker is asked before it is opened');
      return work(this.#job);
    });
    this.#last = next.catch(() => {});
    return next;
  }
}
