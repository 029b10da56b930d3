import type { HessianFactor } from '../gptq/factor.ts';
import { factorHessian } from '../gptq/factor.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { gram } from '../kernels/linalg/gram.ts';
import type { LinearInput } from '../model/architectures/architecture.ts';
import { type ForwardContext, forwardContext, runBlock } from '../model/forward.ts';
import type { ModuleSpec } from '../model/plan.ts';
import { forEachBatch, type HiddenStates } from '../model/states.ts';
import { type LinearWeight, loadLinears, loadNorms, type ModuleNorms } from '../model/weights.ts';
import type { StageContext } from './context.ts';
import { checkControl } from './control.ts';
import type { InputSample } from './linear-error.ts';

/** A module with its weights on the GPU. */
export interface LoadedModule {
  readonly module: ModuleSpec;
  readonly forward: ForwardContext;
  readonly norms: ModuleNorms;
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
    forward: forwardContext(gpu, scope, plan.config, length),
    norms: await loadNorms(scope, source, module),
    linears: await loadLinears(gpu, scope, source, module),
  };
}

/** Sees the linear inputs, (tokens, k) each, of a batch of rows that starts with row `start`. */
type InputsSeen = (inputs: ReadonlyMap<LinearInput, GpuTensor>, start: number) => void;

/** Runs a module on all rows of `input` and stores what comes out; `input` and `output` may be the same. */
export async function advance(
  context: StageContext,
  loaded: LoadedModule,
  input: HiddenStates,
  output: HiddenStates,
  batch: number,
  seen?: InputsSeen,
): Promise<void> {
  const { gpu, control } = context;
  await forEachBatch(gpu, input.rows, batch, async (scope, start, end) => {
    await checkControl(control);
    const x = input.load(scope, start, end);
    const block = runBlock(loaded.forward, scope, loaded.module, loaded.norms, loaded.linears, x);
    seen?.(block.inputs, start);
    await output.store(block.output, start);
  });
}

/** Half precision holds values up to 65504; quantized weights may make inputs a few times larger than they were. */
const LARGEST_INPUT = 65504 / 8;

/** The module, with products that may round its inputs to half precision if that holds them. */
export function withPrecision(
  loaded: LoadedModule,
  factors: ReadonlyMap<LinearInput, HessianFactor>,
): LoadedModule {
  const mixed = [...factors.values()].every(({ inputBound }) => inputBound <= LARGEST_INPUT);
  return { ...loaded, forward: { ...loaded.forward, mixed } };
}

/** Adds xᵀx of a linear input (tokens, k) to a Hessian sum. */
export function addToHessian({ gpu }: StageContext, h: GpuTensor, x: GpuTensor): void {
  const [m, k] = x.shape as [number, number];
  gpu.run(gram, { m, k, x, h });
}

export interface CaptureOptions {
  /** For descent. */
  readonly keepHessians: boolean;
  /** Takes its part of the inputs. */
  readonly sample?: InputSample;
}

/**
 * Runs the module as it is on all rows, from `input` into `output`, and factors the Hessian of each distinct linear
 * input. The factors belong to `scope`.
 */
export async function captureHessians(
  context: StageContext,
  scope: Scope,
  loaded: LoadedModule,
  input: HiddenStates,
  output: HiddenStates,
  batch: number,
  { keepHessians, sample }: CaptureOptions,
): Promise<Map<LinearInput, HessianFactor>> {
  const { gpu } = context;
  const { module } = loaded;
  return withScope(gpu, async (sums) => {
    const hessians = new Map<LinearInput, GpuTensor>();
    for (const linear of module.linears) {
      if (hessians.has(linear.input)) continue;
      const h = sums.alloc([linear.k, linear.k], `Hessian of ${module.key} ${linear.input}`);
      gpu.zero(h);
      hessians.set(linear.input, h);
    }
    await advance(context, loaded, input, output, batch, (inputs, start) => {
      for (const [name, h] of hessians) addToHessian(context, h, inputs.get(name)!);
      sample?.take(inputs, start);
    });
    const factors = new Map<LinearInput, HessianFactor>();
    for (const [name, h] of hessians) {
      const what = `${module.key} (${name})`;
      factors.set(name, await factorHessian(gpu, scope, what, h, h.shape[0]!, input.rows, keepHessians));
      sums.free(h);
    }
    return factors;
  });
}
