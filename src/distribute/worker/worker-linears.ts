import type { QuantParams } from '../../exl2/params.ts';
import { factorHessian, type HessianFactor } from '../../gptq/factor.ts';
import { Scope, withScope } from '../../gpu/scope.ts';
import type { StageContext } from '../../job/context.ts';
import { checkControl } from '../../job/control.ts';
import type { LinearWeight } from '../../model/gpu/weights.ts';
import type { InputKey, LinearSpec, ModuleSpec } from '../../model/spec.ts';
import { putSum } from '../../pass/sums/hessian-sums.ts';
import { factorOptions, quantizeLinear } from '../../quantize/quantize-linear.ts';
import type { HostTensor } from '../../tensor/dtype.ts';
import { assert } from '../../util/errors.ts';

/** A worker's part of the linears of a module: the factors of the sums that it was given. */
export class WorkerLinears {
  readonly #context: StageContext;
  readonly #scope: Scope;
  #module: ModuleSpec | undefined;
  readonly #factors = new Map<InputKey, HessianFactor>();

  constructor(context: StageContext) {
    this.#context = context;
    this.#scope = new Scope(context.gpu);
  }

  /** Factors the sum of all rows for an input of a module's linears; the factors of another module are freed. */
  async takeSum(
    module: ModuleSpec,
    input: InputKey,
    sum: Uint8Array<ArrayBuffer>,
    rows: number,
  ): Promise<void> {
    const { gpu, quantizer } = this.#context;
    if (this.#module !== module || this.#factors.has(input)) this.free();
    this.#module = module;
    const { k } = module.linears.find((linear) => linear.input === input)!;
    const factor = await withScope(gpu, async (scope) => {
      const h = await putSum(gpu, scope, sum, k);
      return factorHessian(gpu, this.#scope, `${module.key} (${input})`, h, factorOptions(quantizer, rows));
    });
    this.#factors.set(input, factor);
  }

  /** Quantizes a linear; its weight, which belongs to `scope`, is replaced by the rebuilt one. */
  async quantize(
    scope: Scope,
    linear: LinearSpec,
    weight: LinearWeight,
    params: QuantParams,
  ): Promise<{ rebuilt: LinearWeight; tensors: readonly HostTensor[] }> {
    const factor = this.#factors.get(linear.input);
    assert(factor, `a worker quantizes ${linear.key} without its sums`);
    await checkControl(this.#context.control);
    const { slices, tensors } = await quantizeLinear(this.#context, scope, linear, [weight], factor, params);
    return { rebuilt: slices[0]!, tensors };
  }

  /** Frees the factors. */
  free(): void {
    this.#scope.freeAll();
    this.#factors.clear();
    this.#module = undefined;
  }
}
