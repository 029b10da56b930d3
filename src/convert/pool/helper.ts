import type { ModuleParams } from '../../exl2/params.ts';
import { factorHessian } from '../../gptq/factor.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { withScope } from '../../gpu/scope.ts';
import type { ReadableDirectory, WritableDirectory } from '../../io/bytes.ts';
import { workDirectory } from '../../io/work-directory.ts';
import type { SpeedStore } from '../../kernels/kept-speeds.ts';
import { productSpeed } from '../../kernels/measure-speeds.ts';
import { chooseVariants } from '../../kernels/speed.ts';
import { loadLinear } from '../../model/weights.ts';
import type { HostTensor } from '../../tensor/dtype.ts';
import { assert } from '../../util/errors.ts';
import type { StageContext } from '../context.ts';
import { type Control, checkControl } from '../control.ts';
import { putSum, type SumBytes, type SumPiece } from '../hessian-sums.ts';
import { moduleToJson } from '../measurement-json.ts';
import { Measurer } from '../measurer.ts';
import { openModel } from '../open-model.ts';
import { quantizeLinear } from '../quantize-linear.ts';
import type { RowPart } from '../row-parts.ts';
import type { HelperApi, HelperFacts, HelperJob, HelperStatus } from './api.ts';
import { HelperRows } from './helper-rows.ts';

/** What a helper's host hands in. */
export interface HelperHost {
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
  readonly rows: HelperJob;
}

/** A helper's side: does what the leader asks for, on its own GPU, one thing after the other. */
export class JobHelper implements HelperApi {
  readonly #host: HelperHost;
  #job: OpenJob | undefined;
  #measurer: Measurer | undefined;
  #pass: HelperRows | undefined;
  #share = 0;
  /** The leader may have given up what it asked for before. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(host: HelperHost) {
    this.#host = host;
  }

  async open(job: HelperJob, first?: number): Promise<HelperFacts> {
    const { gpu, adapter, model, work, speeds, control } = this.#host;
    const { quantizer, precision } = job.settings;
    const flopsPerSecond = productSpeed(await chooseVariants(gpu, precision, speeds));
    const { source, plan } = await openModel(model, job.settings);
    const context = { gpu, source, plan, work: workDirectory(work), quantizer, emit: () => {}, control };
    this.#job = { context, rows: job };
    // Should this fail, it is told when it is asked to measure.
    if (first !== undefined && first < plan.modules.length)
      this.#afterLast(() => this.#measuring.goTo(first)).catch(() => {});
    return { adapter, flopsPerSecond };
  }

  status(): HelperStatus {
    return { share: this.#share, memoryBytes: this.#host.gpu.memory.used };
  }

  measure(index: number): Promise<unknown> {
    return this.#afterLast(async () => {
      this.#share = 0;
      const candidates = await this.#measuring.measure(index, (share) => {
        this.#share = share;
      });
      return moduleToJson(candidates);
    });
  }

  beginPass(parts: readonly RowPart[]): Promise<void> {
    return this.#afterLast(async ({ context, rows }) => {
      this.#measurer?.free();
      this.#measurer = undefined;
      await this.#pass?.free();
      this.#pass = undefined;
      if (parts.length === 0) return;
      this.#pass = new HelperRows(context, rows.quantization, parts);
      await this.#pass.start();
    });
  }

  sumRows(index: number, mixed: boolean): Promise<readonly SumPiece[]> {
    return this.#afterLast(() => this.#begun.sum(index, mixed));
  }

  /** Pieces may be asked for while others are on their way. */
  readSum(piece: SumPiece): Promise<Uint8Array<ArrayBuffer>> {
    return this.#begun.readSum(piece);
  }

  advanceRows(index: number): Promise<void> {
    return this.#afterLast(() => this.#begun.advance(index));
  }

  quantizeLinears(
    index: number,
    params: ModuleParams,
    sums: SumBytes,
    rows: number,
  ): Promise<Record<string, readonly HostTensor[]>> {
    return this.#afterLast(async ({ context }) => {
      const { gpu, plan, source, quantizer } = context;
      const module = plan.modules[index]!;
      const made: Record<string, readonly HostTensor[]> = {};
      this.#pass?.freeSums();
      for (const [input, bytes] of sums) {
        await withScope(gpu, async (scope) => {
          const linears = module.linears.filter((linear) => linear.input === input && params[linear.name]);
          const k = linears[0]!.k;
          const h = await putSum(gpu, scope, bytes, k);
          const keep = quantizer.descentPasses > 0;
          const factor = await factorHessian(gpu, scope, `${module.key} (${input})`, h, k, rows, keep);
          scope.free(h);
          for (const linear of linears) {
            await checkControl(context.control);
            const weight = await loadLinear(gpu, scope, source, linear);
            const setting = params[linear.name]!;
            const { tensors, slices } = await quantizeLinear(
              context,
              scope,
              linear,
              [weight],
              factor,
              setting,
            );
            const { w } = slices[0]!;
            if (this.#pass) this.#pass.keep(linear.key, scope.keep(w));
            else scope.free(w);
            made[linear.name] = tensors;
          }
        });
      }
      return made;
    });
  }

  get #measuring(): Measurer {
    assert(this.#job, 'a helper measures before it is opened');
    this.#measurer ??= new Measurer(this.#job.context, this.#job.rows.measurement);
    return this.#measurer;
  }

  get #begun(): HelperRows {
    assert(this.#pass, 'a helper is asked for rows before the pass has begun');
    return this.#pass;
  }

  #afterLast<T>(work: (job: OpenJob) => Promise<T>): Promise<T> {
    const next = this.#last.then(() => {
      assert(this.#job, 'a helper is asked before it is opened');
      return work(this.#job);
    });
    this.#last = next.catch(() => {});
    return next;
  }
}
