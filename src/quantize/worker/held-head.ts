import { Scope } from '../../gpu/scope.ts';
import type { StageContext } from '../../job/context.ts';
import {
  headSliceBytes,
  type LinearWeight,
  loadLinear,
  loadNorm,
  type NormWeight,
} from '../../model/gpu/weights.ts';

/** The final norm and the head on one GPU, each from when it is first asked for. */
export class HeldHead {
  /** What they belong to. */
  readonly scope: Scope;
  readonly #context: StageContext;
  #norm: Promise<NormWeight> | undefined;
  #weight: Promise<LinearWeight> | undefined;

  constructor(context: StageContext) {
    this.scope = new Scope(context.gpu);
    this.#context = context;
  }

  norm(): Promise<NormWeight> {
    const { source, plan } = this.#context;
    this.#norm ??= loadNorm(this.scope, source, plan.finalNorm);
    return this.#norm;
  }

  /** In slices of the vocabulary. */
  weight(): Promise<LinearWeight> {
    const { gpu, source, plan } = this.#context;
    const { head } = plan;
    this.#weight ??= loadLinear(gpu, this.scope, source, head, undefined, headSliceBytes(gpu));
    return this.#weight;
  }

  release(): void {
    this.scope.freeAll();
    this.#norm = undefined;
    this.#weight = undefined;
  }
}
