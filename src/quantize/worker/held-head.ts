import { Scope } from '../../gpu/scope.ts';
import type { StageContext } from '../../job/context.ts';
import { type LinearWeight, loadNorm, loadSlices, type NormWeight } from '../../model/gpu/weights.ts';

/** The final norm and the head on one GPU, each from when it is first asked for. */
export class HeldHead {
  /** What they belong to. */
  readonly scope: Scope;
  readonly #context: StageContext;
  #norm: Promise<NormWeight> | undefined;
  #slices: Promise<LinearWeight[]> | undefined;

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
  slices(): Promise<LinearWeight[]> {
    const { gpu, source, plan } = this.#context;
    this.#slices ??= loadSlices(gpu, this.scope, source, plan.head);
    return this.#slices;
  }

  release(): void {
    this.scope.freeAll();
    this.#norm = undefined;
    this.#slices = undefined;
  }
}
