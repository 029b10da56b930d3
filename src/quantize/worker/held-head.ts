import { isHeadWhole } from '../../estimate/head-need.ts';
import { Scope, withScope } from '../../gpu/scope.ts';
import type { StageContext } from '../../job/context.ts';
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
  /** Tokens of a row. */
  readonly length: number;
  readonly #context: StageContext;
  #norm: Promise<NormWeight> | undefined;
  #weight: Promise<LinearWeight> | undefined;

  constructor(context: StageContext, length: number) {
    this.scope = new Scope(context.gpu);
    this.#context = context;
    this.length = length;
  }

  norm(): Promise<NormWeight> {
    const { source, plan } = this.#context;
    this.#norm ??= loadNorm(this.scope, source, plan.finalNorm);
    return this.#norm;
  }

  /** All of it, in slices of the vocabulary; undefined where it can only be quantized slice by slice. */
  async weight(): Promise<LinearWeight | undefined> {
    const { gpu, source, plan, quantizer } = this.#context;
    if (!this.#weight && !isHeadWhole(plan, this.length, quantizer, gpu.memory.budget)) return undefined;
    this.#weight ??= loadLinear(gpu, this.scope, source, plan.head, undefined, headSliceBytes(gpu));
    return this.#weight;
  }

  /** Slices of the vocabulary. */
  get ranges(): Range[] {
    const { gpu, plan } = this.#context;
    return headSlices(plan.head, headSliceBytes(gpu));
  }

  /** As it is. */
  readonly slices: HeadSlices = async (use) => {
    const weight = await this.weight();
    if (weight) return use(asHeads(weight));
    const { gpu, source, plan } = this.#context;
    for (const range of this.ranges)
      await withScope(gpu, async (scope) => use([await loadLinear(gpu, scope, source, plan.head, range)]));
  };

  release(): void {
    this.scope.freeAll();
    this.#norm = undefined;
    this.#weight = undefined;
  }
}
