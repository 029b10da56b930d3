import type { QuantParams } from '../../exl2/params.ts';
import { factorHessian, type HessianFactor } from '../../gptq/factor.ts';
import type { Triangle } from '../../gpu/matrix/triangle.ts';
import { Scope, withScope } from '../../gpu/scope.ts';
import type { StageContext } from '../../job/context.ts';
import { type LinearWeight, loadLinear } from '../../model/gpu/weights.ts';
import type { InputKey, LinearSpec } from '../../model/spec.ts';
import { putSum } from '../../pass/sums/hessian-sums.ts';
import type { HostTensor } from '../../tensor/dtype.ts';
import { assert } from '../../util/errors.ts';
import { factorOptions, quantizeLinear } from '../quantize-linear.ts';
import type { HeldHead } from './held-head.ts';
import type { HeldModules } from './held-modules.ts';
import { type QuantizedHead, quantizeHeld } from './quantize-held.ts';

/** What a worker quantizes, of one module at a time or of the head after them: with the factors of Hessian sums. */
export class WorkerLinears {
  readonly #context: StageContext;
  readonly #modules: HeldModules;
  readonly #head: HeldHead;
  readonly #scope: Scope;
  #index: number | undefined;
  readonly #factors = new Map<InputKey, HessianFactor>();

  constructor(context: StageContext, modules: HeldModules, head: HeldHead) {
    this.#context = context;
    this.#modules = modules;
    this.#head = head;
    this.#scope = new Scope(context.gpu);
  }

  /**
   * Factors the sum of so many rows for an input; the factors of another module, or of an earlier try, are freed.
   * @param sum of `sums`, see {@link factorHessian}.
   */
  async factor(index: number, input: InputKey, sums: Scope, sum: Triangle, rows: number): Promise<void> {
    const { gpu, plan, quantizer } = this.#context;
    if (this.#index !== index || this.#factors.has(input)) this.free();
    this.#index = index;
    const module = plan.modules[index];
    const what = module ? `${module.key} (${input})` : 'the head';
    this.#factors.set(
      input,
      await factorHessian(gpu, this.#scope, what, sums, sum, factorOptions(quantizer, rows)),
    );
  }

  /** Factors a sum that was made elsewhere: the bytes of its panels. */
  async takeSum(index: number, input: InputKey, sum: Uint8Array<ArrayBuffer>, rows: number): Promise<void> {
    const { gpu, plan } = this.#context;
    const { k } = plan.modules[index]!.linears.find((linear) => linear.input === input)!;
    await withScope(gpu, async (scope) => {
      await this.factor(index, input, scope, await putSum(gpu, scope, sum, k), rows);
    });
  }

  /**
   * Quantizes a linear of a module; where that is loaded, the rebuilt weight takes the linear's place.
   * @returns its packed tensors.
   */
  async quantize(index: number, linear: LinearSpec, params: QuantParams): Promise<readonly HostTensor[]> {
    const { gpu, source } = this.#context;
    const factor = this.#factorOf(index, linear);
    const quantize = (scope: Scope, weight: LinearWeight) =>
      quantizeLinear(this.#context, scope, linear, weight, factor, params);
    const { tensors } = this.#modules.holds(index)
      ? await this.#modules.replace(index, linear, quantize)
      : await withScope(gpu, async (scope) => quantize(scope, await loadLinear(gpu, scope, source, linear)));
    return tensors;
  }

  /** Quantizes the head, and frees its factor. */
  async quantizeHead(params: QuantParams): Promise<QuantizedHead> {
    const { head, modules } = this.#context.plan;
    const factor = this.#factorOf(modules.length, head);
    const quantized = await quantizeHeld(this.#context, this.#head, factor, params);
    this.free();
    return quantized;
  }

  /** Frees the factors. */
  free(): void {
    this.#scope.freeAll();
    this.#factors.clear();
    this.#index = undefined;
  }

  #factorOf(index: number, { key, input }: LinearSpec): HessianFactor {
    const factor = this.#index === index ? this.#factors.get(input) : undefined;
    assert(factor, `a worker quantizes ${key} without its sums`);
    return factor;
  }
}
