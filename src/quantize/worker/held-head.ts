import { wholeHeadNeed } from '../../estimate/head-need.ts';
import { Scope, withScope } from '../../gpu/scope.ts';
import type { StageContext } from '../../job/context.ts';
import { checkControl } from '../../job/control.ts';
import type { Range } from '../../model/gpu/column-slices.ts';
import {
  asHeads,
  headSliceBytes,
  headSlices,
  type LinearWeight,
  loadLinear,
  loadNorm,
  type NormWeight,
} from '../../model/gpu/weights.ts';
import type { HeadSlices } from '../../pass/perplexity.ts';

/** The final norm and the head on one GPU, each from when it is first asked for. */
export class HeldHead {
  /** What they belong to. */
  readonly scope: Scope;
  readonly #context: StageContext;
  readonly #length: number;
  #norm: Promise<NormWeight> | undefined;
  #weight: Promise<LinearWeight> | undefined;

  /** For rows of `length` tokens. */
  constructor(context: StageContext, length: number) {
    this.scope = new Scope(context.gpu);
    this.#context = context;
    this.#length = length;
  }

  norm(): Promise<NormWeight> {
    const { source, plan } = this.#context;
    this.#norm ??= loadNorm(this.scope, source, plan.finalNorm);
    return this.#norm;
  }

  /** All of it, in slices of the vocabulary; undefined where it can only be quantized slice by slice. */
  async weight(): Promise<LinearWeight | undefined> {
    const { gpu, source, plan, quantizer } = this.#context;
    if (!this.#weight && wholeHeadNeed(plan, this.#length, quantizer) > gpu.memory.budget) return undefined;
    this.#weight ??= loadLinear(gpu, this.scope, source, plan.head, undefined, headSliceBytes(gpu));
    return this.#weight;
  }

  /** Slices of the vocabulary. */
  get ranges(): Range[] {
    const { gpu, plan } = this.#context;
    return headSlices(plan.head, headSliceBytes(gpu));
  }

  async loadSlice(scope: Scope, range: Range): Promise<LinearWeight> {
    const { gpu, source, plan, control } = this.#context;
    await checkControl(control);
    return loadLinear(gpu, scope, source, plan.head, range);
  }

  /** As it is. */
  readonly slices: HeadSlices = async (use) => {
    const weight = await this.weight();
    if (weight) return use(asHeads(weight));
    for (const range of this.ranges)
      await withScope(this.#context.gpu, async (scope) => use([await this.loadSlice(scope, range)]));
  };

  release(): void {
    this.scope.freeAll();
    this.#norm = undefined;
    this.#weight = undefined;
  }
}
