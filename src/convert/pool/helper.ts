import type { Gpu } from '../../gpu/gpu.ts';
import type { ReadableDirectory, WritableDirectory } from '../../io/bytes.ts';
import { workDirectory } from '../../io/work-directory.ts';
import type { SpeedStore } from '../../kernels/kept-speeds.ts';
import { gemmMixed } from '../../kernels/linalg/gemm.ts';
import { measureFlops } from '../../kernels/measure-speeds.ts';
import { chooseVariants } from '../../kernels/speed.ts';
import { assert } from '../../util/errors.ts';
import type { StageContext } from '../context.ts';
import { moduleToJson } from '../measurement-json.ts';
import { Measurer } from '../measurer.ts';
import { openModel } from '../open-model.ts';
import type { HelperApi, HelperFacts, HelperJob, HelperStatus } from './api.ts';

/** What a helper's host hands in. */
export interface HelperHost {
  readonly gpu: Gpu;
  readonly adapter: string;
  readonly speeds?: SpeedStore;
  readonly model: ReadableDirectory;
  readonly work: WritableDirectory;
}

/** A helper's side: does what the leader asks for, on its own GPU. One call at a time, but for `status`. */
export class JobHelper implements HelperApi {
  readonly #host: HelperHost;
  #job: { readonly context: StageContext; readonly rows: HelperJob } | undefined;
  #measurer: Measurer | undefined;
  #share = 0;

  constructor(host: HelperHost) {
    this.#host = host;
  }

  async open(job: HelperJob): Promise<HelperFacts> {
    const { gpu, adapter, speeds, model, work } = this.#host;
    const { quantizer, precision } = job.settings;
    await chooseVariants(gpu, precision, speeds);
    const flopsPerSecond = await measureFlops(gpu, gemmMixed);
    const { source, plan } = await openModel(model, job.settings);
    const control = { signal: new AbortController().signal };
    const context = { gpu, source, plan, work: workDirectory(work), quantizer, emit: () => {}, control };
    this.#job = { context, rows: job };
    return { adapter, flopsPerSecond };
  }

  status(): HelperStatus {
    return { share: this.#share, memoryBytes: this.#host.gpu.memory.used };
  }

  async measure(index: number): Promise<unknown> {
    const { context, rows } = this.#opened;
    this.#measurer ??= new Measurer(context, rows.measurement);
    this.#share = 0;
    const candidates = await this.#measurer.measure(index, (share) => {
      this.#share = share;
    });
    return moduleToJson(candidates);
  }

  get #opened() {
    assert(this.#job, 'a helper is asked before it is opened');
    return this.#job;
  }
}
