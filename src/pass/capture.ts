import type { HessianFactor } from '../gptq/factor.ts';
import { factorHessian, readDiagonal } from '../gptq/factor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { inParts, rowsOf } from '../gpu/parts.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import type { StageContext } from '../job/context.ts';
import { checkControl } from '../job/control.ts';
import { gemmMixed } from '../kernels/gemm/gemm.ts';
import { gemmSubgroupMatrix, MATRIX_SIDE } from '../kernels/gemm/gemm_subgroup_matrix.ts';
import { columnSumSquares } from '../kernels/gram/column_sum_squares.ts';
import { gram, gramMixed } from '../kernels/gram/gram.ts';
import { runModule, type Tap } from '../model/forward.ts';
import { forEachBatch, type Later } from '../model/gpu/batches.ts';
import { areFinite, ORIGINAL_ADVICE, overflowError } from '../model/gpu/finite-states.ts';
import { type ForwardContext, forwardContext, GpuOps } from '../model/gpu/ops.ts';
import type { HiddenStates } from '../model/gpu/states.ts';
import { type LinearWeight, loadLinears, loadNorms } from '../model/gpu/weights.ts';
import { inputSizes } from '../model/sizes.ts';
import type { InputKey, ModuleSpec } from '../model/spec.ts';

/** A module with its weights on the GPU. */
export interface LoadedModule {
  readonly module: ModuleSpec;
  readonly forward: ForwardContext;
  /** By the name of the source tensor. */
  readonly norms: ReadonlyMap<string, GpuTensor>;
  /** By name within the module. */
  readonly linears: Map<string, LinearWeight>;
}

/** Loads a module's tensors into `scope`, for rows of `length` tokens. */
export async function loadModule(
  { gpu, source, plan }: StageContext,
  scope: Scope,
  module: ModuleSpec,
  length: number,
): Promise<LoadedModule> {
  return {
    module,
    forward: forwardContext(gpu, scope, plan, length),
    norms: await loadNorms(scope, source, module),
    linears: await loadLinears(gpu, scope, source, module),
  };
}

/** A batch of rows start … that has been run, and what came out, (tokens, hidden). */
export interface ModuleRun {
  readonly scope: Scope;
  readonly output: GpuTensor;
  readonly start: number;
  readonly later: Later;
}

/**
 * Runs a module on the rows of `input`, as many as `output` has, and stores what comes out; both may be the same.
 * @param seen sees what linears read, and what comes out.
 * @returns whether all that came out is finite.
 */
export async function advance(
  context: StageContext,
  loaded: LoadedModule,
  input: HiddenStates,
  output: HiddenStates,
  batch: number,
  seen: { readonly tap?: Tap<GpuTensor>; readonly ran?: (run: ModuleRun) => void } = {},
): Promise<boolean> {
  const { gpu, control } = context;
  let finite = true;
  await forEachBatch(gpu, output.rows, batch, async (scope, start, end, later) => {
    await checkControl(control);
    const x = input.load(scope, start, end);
    const y = runModule(new GpuOps(loaded.forward, scope, loaded), loaded.module, x, seen.tap);
    seen.ran?.({ output: y, scope, start, later });
    later(output.store(y, start));
    const looked = areFinite(gpu, scope, y, end - start);
    later(looked.then((each) => (finite &&= each)));
  });
  return finite;
}

/**
 * Half precision holds values up to 65504; quantized weights may make the inputs of later linears a few times larger
 * than the original ones.
 */
const LARGEST_INPUT = 65504 / 8;

/** Whether no linear input in the sums is too large for half precision; one that was makes its sum infinite. */
export async function inputsFit(gpu: Gpu, hessians: ReadonlyMap<InputKey, GpuTensor>): Promise<boolean> {
  const squares = await Promise.all([...hessians.values()].map((h) => readDiagonal(gpu, h, h.shape[0]!)));
  return squares.every(powerFits);
}

/** @param squares of each column: the sum. */
const powerFits = (squares: ArrayLike<number>): boolean =>
  Array.from(squares).every((x) => Math.sqrt(x) <= LARGEST_INPUT); // NaN does not

/** Adds xᵀx of a linear input (tokens, k) to a Hessian sum. */
export function addToHessian({ gpu }: StageContext, h: GpuTensor, x: GpuTensor, mixed: boolean): void {
  const [m, k] = x.shape as [number, number];
  inParts(gpu, m, k * k, (start, count) => {
    gpu.run(mixed ? gramMixed : gram, { m: count, k, x: rowsOf(x, start, count), h });
  });
}

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
  const run = (mixed: boolean, tap?: Tap<GpuTensor>) =>
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

/** Whether forward passes may round to half precision. */
export const roundsToHalf = (gpu: Gpu): boolean => gpu.prefers(gemmMixed, gemmSubgroupMatrix);

/**
 * Whether forward passes over rows of `length` tokens may, whatever number of rows runs together: matrix units take
 * whole matrices only.
 */
export const rowsRoundToHalf = (gpu: Gpu, length: number): boolean =>
  roundsToHalf(gpu) && length % MATRIX_SIDE === 0;

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
    const tap: Tap<GpuTensor> = (name, x) => addToHessian(context, hessians.get(name)!, x, mixed);
    const finite = await advance(context, precise, input, output, batch, { tap });
    return { loaded: precise, finite };
  };
  const first = await run(roundsToHalf(gpu));
  const fits = !first.loaded.forward.mixed || (await inputsFit(gpu, hessians));
  const last = fits ? first : await run(false);
  requireFinite(last.finite, loaded);
  return { hessians, loaded: last.loaded };
}

/** The module with products that may round its inputs to half precision, or not. */
export const withPrecision = (loaded: LoadedModule, mixed: boolean): LoadedModule => ({
  ...loaded,
  forward: { ...loaded.forward, mixed },
});

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
