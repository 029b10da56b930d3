/** A module as it is, run on all rows of the measurement. */

import { factorHessian, type HessianFactor } from '../gptq/factor.ts';
import { allocTriangle, type Triangle } from '../gpu/matrix/triangle.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import type { StageContext } from '../job/context.ts';
import { columnSumSquares } from '../kernels/gram/column_sum_squares.ts';
import type { HessianSummaries } from '../measurement/hessian-summary.ts';
import { ORIGINAL_ADVICE, overflowError } from '../model/gpu/finite-states.ts';
import type { HiddenStates } from '../model/gpu/states/states.ts';
import { inputSizes } from '../model/sizes.ts';
import type { InputKey } from '../model/spec.ts';
import { inputsFit, powerFits, roundsToHalf, withFittingPrecision } from '../pass/half-precision.ts';
import { type LoadedModule, withPrecision } from '../pass/loaded-module.ts';
import { advance, type RowsSeen } from '../pass/run-rows.ts';
import { summing } from '../pass/sums/sum-rows.ts';
import { summarizeHessians } from '../pass/sums/summarize-hessians.ts';

type Tap = NonNullable<RowsSeen['tap']>;

/**
 * Runs the module as it is on all rows, from `input` into `output`. Where the GPU multiplies in half precision, a module
 * with inputs too large for that is run once more without.
 * @param tapOf what sees the linear inputs of a run, in half precision or not.
 * @param fits whether those of the run in half precision were not too large.
 * @returns the module with the precision that its inputs allow.
 * @throws NumericalError when what comes out is not finite.
 */
async function run(
  context: StageContext,
  loaded: LoadedModule,
  input: HiddenStates,
  output: HiddenStates,
  batch: number,
  tapOf: (mixed: boolean) => Tap | undefined,
  fits: () => Promise<boolean>,
): Promise<LoadedModule> {
  let finite = true;
  const once = async (mixed: boolean) => {
    const tap = tapOf(mixed);
    const precise = withPrecision(loaded, mixed);
    finite = await advance(context, precise, input, output, batch, tap && { tap });
  };
  const mixed = await withFittingPrecision(roundsToHalf(context.gpu), once, fits);
  if (!finite) throw overflowError(loaded.module.key, 'the original model', ORIGINAL_ADVICE);
  return withPrecision(loaded, mixed);
}

/** Runs the module as precisely as {@link captureHessians} does, and keeps nothing. */
export async function passThrough(
  context: StageContext,
  loaded: LoadedModule,
  input: HiddenStates,
  output: HiddenStates,
  batch: number,
): Promise<void> {
  const { gpu } = context;
  await withScope(gpu, async (scope) => {
    /** Squares of each input's columns, summed. */
    const powers = new Map<InputKey, GpuTensor>();
    const addPower: Tap = (name, x) => {
      const [m, k] = x.shape as [number, number];
      gpu.run(columnSumSquares, { m, k, x, p: powers.get(name)! });
    };
    const tapOf = (mixed: boolean) => {
      if (!mixed) return undefined;
      for (const [name, k] of inputSizes(loaded.module)) powers.set(name, scope.alloc([k], 'squares'));
      for (const p of powers.values()) gpu.zero(p);
      return addPower;
    };
    await run(context, loaded, input, output, batch, tapOf, async () => {
      const squares = await Promise.all([...powers.values()].map((p) => gpu.read(p)));
      return squares.every((bytes) => powerFits(new Float32Array(bytes)));
    });
  });
}

/** Hessian factors of a module's inputs. */
interface Captured {
  /** They belong to the scope. */
  readonly factors: ReadonlyMap<InputKey, HessianFactor>;
  /** Of the same inputs; nothing waits for them. */
  readonly summaries: Promise<HessianSummaries> | undefined;
  /** The module with the precision that its inputs allow. */
  readonly loaded: LoadedModule;
}

/**
 * Runs the module, and factors the Hessian of each distinct linear input.
 * @param summarizes whether summaries of the Hessians are wanted.
 */
export async function captureHessians(
  context: StageContext,
  scope: Scope,
  loaded: LoadedModule,
  input: HiddenStates,
  output: HiddenStates,
  batch: number,
  summarizes = false,
): Promise<Captured> {
  const { gpu, quantizer } = context;
  const { module } = loaded;
  return withScope(gpu, async (sums) => {
    const hessians = new Map<InputKey, Triangle>();
    for (const [name, k] of inputSizes(module)) {
      hessians.set(name, allocTriangle(gpu, sums, k, `Hessian of ${module.key} ${name}`));
    }
    const tokens = new Map<InputKey, number>();
    const tapOf = (mixed: boolean): Tap => {
      const sum = summing(context, hessians, mixed);
      tokens.clear();
      return (name, x, start, count) => {
        sum(name, x, start, count);
        tokens.set(name, (tokens.get(name) ?? 0) + count);
      };
    };
    const fits = () => inputsFit(gpu, hessians);
    const precise = await run(context, loaded, input, output, batch, tapOf, fits);
    const summaries = summarizes ? summarizeHessians(gpu, module, hessians, tokens) : undefined;
    const factors = new Map<InputKey, HessianFactor>();
    for (const [name, h] of hessians) {
      const options = { rows: input.rows, method: quantizer.method, keepHessian: false };
      factors.set(name, await factorHessian(gpu, scope, `${module.key} (${name})`, sums, h, options));
    }
    return { factors, summaries, loaded: precise };
  });
}
