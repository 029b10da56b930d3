import { resolveGroups, totalBits } from '../exl2/groups.ts';
import { takeColumns } from '../exl2/packed-columns.ts';
import { type PackedLinear, packedTensors } from '../exl2/packed-linear.ts';
import type { QuantParams } from '../exl2/params.ts';
import { descend } from '../gptq/descent.ts';
import type { HessianFactor } from '../gptq/factor.ts';
import { packLinear, rebuildWeight } from '../gptq/pack.ts';
import { quantizeCandidates } from '../gptq/quantizer.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import { recordRowNorms } from '../kernels/row-norms.ts';
import type { LinearInput } from '../model/architectures/architecture.ts';
import { forEachBatch } from '../model/batches.ts';
import { runBlock } from '../model/forward.ts';
import type { LinearSpec, ModuleSpec } from '../model/plan.ts';
import type { HiddenStates } from '../model/states.ts';
import type { LinearWeight } from '../model/weights.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import { f32ToF16Array } from '../util/half.ts';
import { advance, captureHessians, type LoadedModule, loadModule } from './capture.ts';
import type { StageContext } from './context.ts';
import { checkControl } from './control.ts';
import { mean, readErrors } from './errors-by-row.ts';
import type { LinearEvent } from './events.ts';
import { InputSample } from './linear-error.ts';

/**
 * States that the quantization pass carries from module to module. A module reads the first of each pair and writes
 * the second, so that it can be started again.
 */
export interface PassStates {
  /** What the quantized modules so far have made of all rows. */
  readonly quantized: HiddenStates;
  readonly quantizedNext: HiddenStates;
  /** What the original model makes of the first rows, for its perplexity. */
  readonly original: HiddenStates;
  readonly originalNext: HiddenStates;
}

export interface QuantizedModule {
  /** Packed tensors and biases of all linears. */
  readonly tensors: readonly HostTensor[];
  /** Mean over rows of ‖quantized − original‖ / ‖original‖ of the module's output on the same input. */
  readonly rfnError: number;
  /** Forward passes rounded to half precision. */
  readonly mixed: boolean;
  /** Of each linear by itself, by name: see {@link LinearEvent.error}. */
  readonly linearErrors: Readonly<Record<string, number>>;
}

/** Parameters of each linear of a module, by name. */
export type ModuleParams = Readonly<Record<string, QuantParams>>;

/** Quantizes one module and advances the states through the weights that its packed tensors stand for. */
export async function quantizeModule(
  context: StageContext,
  module: ModuleSpec,
  params: ModuleParams,
  states: PassStates,
  batch: number,
  progress: (share: number) => void,
): Promise<QuantizedModule> {
  const { quantized, quantizedNext, original, originalNext } = states;
  return withScope(context.gpu, async (scope) => {
    const loaded = await loadModule(context, scope, module, quantized.length);
    const { linears, precise } = await withScope(context.gpu, async (factorScope) => {
      const sample = new InputSample(context.gpu, factorScope, module, quantized);
      const captured = await captureHessians(context, factorScope, loaded, quantized, quantizedNext, batch, {
        keepHessians: context.quantizer.descentPasses > 0,
        sample,
      });
      await advance(context, captured.loaded, original, originalNext, batch);
      progress(0.4);
      const linears = await quantizeLinears(
        context,
        scope,
        loaded,
        { factors: captured.factors, sample },
        params,
      );
      return { linears, precise: captured.loaded };
    });
    progress(0.6);
    const rfnError = await advanceAndCompare(context, precise, quantized, quantizedNext, batch);
    return { ...linears, rfnError, mixed: precise.forward.mixed };
  });
}

/** Quantizes, packs and checks every linear; `loaded` then holds the rebuilt weights. */
async function quantizeLinears(
  context: StageContext,
  scope: Scope,
  loaded: LoadedModule,
  { factors, sample }: { factors: ReadonlyMap<LinearInput, HessianFactor>; sample: InputSample },
  params: ModuleParams,
): Promise<Pick<QuantizedModule, 'tensors' | 'linearErrors'>> {
  const tensors: HostTensor[] = [];
  const linearErrors: Record<string, number> = {};
  for (const linear of loaded.module.linears) {
    const { name, input } = linear;
    await checkControl(context.control);
    linearErrors[name] = await withScope(context.gpu, async (temporary) => {
      const original = loaded.linears.get(name)!;
      const expected = sample.project(temporary, input, original);
      const factor = factors.get(input)!;
      const result = await quantizeLinear(context, scope, linear, [original], factor, params[name]!);
      const rebuilt = result.slices[0]!;
      loaded.linears.set(name, rebuilt);
      tensors.push(...result.tensors);
      return sample.error(temporary, sample.project(temporary, input, rebuilt), expected);
    });
    context.emit(linearEvent(linear, params[name]!, linearErrors[name]));
  }
  return { tensors, linearErrors };
}

export function linearEvent(
  { key, k, n, bias }: LinearSpec,
  params: QuantParams,
  error: number | undefined,
): LinearEvent {
  const bitsPerWeight = totalBits(k, n, params, bias !== undefined) / (k * n);
  return { type: 'linear', key, bitsPerWeight, ...(error !== undefined && { error }) };
}

/**
 * Quantizes one linear; frees its weight and gives back the rebuilt one with the tensors to write.
 * @param slices of its columns, in order.
 */
export async function quantizeLinear(
  context: StageContext,
  scope: Scope,
  linear: LinearSpec,
  slices: readonly LinearWeight[],
  factor: HessianFactor,
  params: QuantParams,
): Promise<{ slices: LinearWeight[]; tensors: HostTensor[] }> {
  const { gpu } = context;
  const { key, k, n } = linear;
  return withScope(gpu, async (temporary) => {
    const groups = resolveGroups(k, params);
    const { method, descentPasses } = context.quantizer;
    const [quantized] = quantizeCandidates(gpu, temporary, { what: key, slices, factor, method }, [groups]);
    await gpu.sync();
    if (descentPasses > 0) await descend(gpu, factor, slices, quantized!, descentPasses);
    for (const { w } of slices) scope.free(w);
    const packed = await packLinear(gpu, quantized!, factor.perm, n);
    const rebuilt: LinearWeight[] = [];
    let start = 0;
    for (const [i, slice] of slices.entries()) {
      const columns = takeColumns(packed, start, start + slice.n);
      rebuilt.push({ ...slice, w: await rebuildWeight(gpu, scope, key, columns, quantized![i]!) });
      start += slice.n;
    }
    return { slices: rebuilt, tensors: await tensorsOf(context, key, packed, slices) };
  });
}

async function tensorsOf(
  { gpu }: StageContext,
  key: string,
  packed: PackedLinear,
  slices: readonly LinearWeight[],
): Promise<HostTensor[]> {
  const tensors = packedTensors(key, packed);
  if (!slices[0]!.bias) return tensors;
  const bias = new Float32Array(packed.n);
  let start = 0;
  for (const slice of slices) {
    bias.set(new Float32Array(await gpu.read(slice.bias!)), start);
    start += slice.n;
  }
  const data = new Uint8Array(f32ToF16Array(bias).buffer);
  return [...tensors, { name: `${key}.bias`, dtype: 'F16', shape: [packed.n], data }];
}

/**
 * Runs the quantized module on `input`. `output` holds what the original one made of it, and is replaced.
 * @returns the mean relative error between the two.
 */
export async function advanceAndCompare(
  { gpu, control }: StageContext,
  { forward, module, norms, linears }: LoadedModule,
  input: HiddenStates,
  output: HiddenStates,
  batch: number,
): Promise<number> {
  const errors: number[] = [];
  const note = (values: readonly number[], start: number) => {
    for (const [i, value] of values.entries()) errors[start + i] = value;
  };
  await forEachBatch(gpu, input.rows, batch, async (scope, start, end, later) => {
    await checkControl(control);
    const x = input.load(scope, start, end);
    const y = runBlock(forward, scope, module, norms, linears, x).output;
    const sums = recordRowNorms(gpu, scope, y, output.load(scope, start, end), end - start);
    later(readErrors(gpu, sums).then((values) => note(values, start)));
    later(output.store(y, start));
  });
  return mean(errors);
}
