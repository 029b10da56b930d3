/** A module as it is, run on all rows of the measurement. */

import { factorHessian, type HessianFactor } from '../gptq/factor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import type { StageContext } from '../job/context.ts';
import { columnSumSquares } from '../kernels/gram/column_sum_squares.ts';
import { ORIGINAL_ADVICE, overflowError } from '../model/gpu/finite-states.ts';
import type { HiddenStates } from '../model/gpu/states.ts';
import { inputSizes } from '../model/sizes.ts';
import type { InputKey } from '../model/spec.ts';
import { inputsFit, powerFits, roundsToHalf } from '../pass/half-precision.ts';
import { type LoadedModule, withPrecision } from '../pass/loaded-module.ts';
import { advance, type RowsSeen } from '../pass/run-rows.ts';
import { addToHessian } from '../pass/sums/sum-row-parts.ts';

/**
 * Runs the module as it is on all rows, from `input` into `output`, as precisely as {@link captureHessians} does, and
 * keeps nothing.
 */
export async function passThrough(
  context: StageContext,
  loaded: LoadedModule,
  input: HiddenStates,
  output: HiddenStates,
  batch: number,
): Promise<void> {
  const { gpu } = context;
  const run = (mixed: boolean, tap?: RowsSeen['tap']) =>
    advance(context, withPrecision(loaded, mixed), input, output, batch, tap && { tap });
  let finite = true;
  const fits =
    roundsToHalf(gpu) &&
    (await withScope(gpu, async (scope) => {
      const powers = new Map<InputKey, GpuTensor>();
      for (const [name, k] of inputSizes(loaded.module)) powers.set(name, scope.alloc([k], 'squares'));
      for (const p of powers.values()) gpu.zero(p);
      finite = await run(true, (name, x) => addPower(gpu, powers.get(name)!, x));
      const squares = await Promise.all([...powers.values()].map((p) => gpu.read(p)));
      return squares.every((bytes) => powerFits(new Float32Array(bytes)));
    }));
  if (!fits) finite = await run(false);
  requireFinite(finite, loaded);
}

/** Throws NumericalError that names the module of the original model whose states are not finite. */
function requireFinite(finite: boolean, { module }: LoadedModule): void {
  if (!finite) throw overflowError(module.key, 'the original model', ORIGINAL_ADVICE);
}

function addPower(gpu: Gpu, p: GpuTensor, x: GpuTensor): void {
  const [m, k] = x.shape as [number, number];
  gpu.run(columnSumSquares, { m, k, x, p });
}

interface ModuleSums {
  readonly hessians: ReadonlyMap<InputKey, GpuTensor>;
  /** The module with the precision that its inputs allow. */
  readonly loaded: LoadedModule;
}

/**
 * Runs the module and sums xᵀx of each distinct linear input; the sums belong to the scope. Where the GPU multiplies in
 * half precision, a module with inputs too large for that is run once more without.
 * @throws NumericalError when what comes out is not finite.
 */
async function sumHessians(
  context: StageContext,
  sums: Scope,
  loaded: LoadedModule,
  input: HiddenStates,
  output: HiddenStates,
  batch: number,
): Promise<ModuleSums> {
  const { gpu } = context;
  const { module } = loaded;
  const hessians = new Map<InputKey, GpuTensor>();
  for (const [name, k] of inputSizes(module)) {
    hessians.set(name, sums.alloc([k, k], `Hessian of ${module.key} ${name}`));
  }
  const run = async (mixed: boolean) => {
    const precise = withPrecision(loaded, mixed);
    for (const h of hessians.values()) gpu.zero(h);
    const tap: RowsSeen['tap'] = (name, x) => addToHessian(context, hessians.get(name)!, x, mixed);
    const finite = await advance(context, precise, input, output, batch, { tap });
    return { loaded: precise, finite };
  };
  const first = await run(roundsToHalf(gpu));
  const fits = !first.loaded.forward.mixed || (await inputsFit(gpu, hessians));
  const last = fits ? first : await run(false);
  requireFinite(last.finite, loaded);
  return { hessians, loaded: last.loaded };
}

/** Hessian factors of a module's inputs. */
interface Captured {
  /** They belong to the scope. */
  readonly factors: ReadonlyMap<InputKey, HessianFactor>;
  /** The module with the precision that its inputs allow. */
  readonly loaded: LoadedModule;
}

/**
 * Runs the module as it is on all rows, from `input` into `output`, and factors the Hessian of each distinct linear
 * input.
 */
export async function captureHessians(
  context: StageContext,
  scope: Scope,
  loaded: LoadedModule,
  input: HiddenStates,
  output: HiddenStates,
  batch: number,
): Promise<Captured> {
  const { gpu, quantizer } = context;
  return withScope(gpu, async (sums) => {
    const summed = await sumHessians(context, sums, loaded, input, output, batch);
    const factors = new Map<InputKey, HessianFactor>();
    for (const [name, h] of summed.hessians) {
      const what = `${loaded.module.key} (${name})`;
      const options = { rows: input.rows, method: quantizer.method, keepHessian: false };
      factors.set(name, await factorHessian(gpu, scope, what, h, options));
      sums.free(h);
    }
    return { factors, loaded: summed.loaded };
  });
}
