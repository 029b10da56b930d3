import type { ModuleParams } from '../exl2/params.ts';
import { withScope } from '../gpu/scope.ts';
import { rowsOf } from '../kernels/parts.ts';
import { recordRowNorms } from '../kernels/row-norms.ts';
import { forEachBatch } from '../model/batches.ts';
import { finishBlock, runBlock } from '../model/forward.ts';
import type { ModuleSpec } from '../model/plan.ts';
import { inputSizes } from '../model/sizes.ts';
import type { HiddenStates } from '../model/states.ts';
import { advance, type LoadedModule, loadModule, withPrecision } from './capture.ts';
import type { StageContext } from './context.ts';
import { checkControl } from './control.ts';
import { mean, readErrors } from './errors-by-row.ts';
import { InputSample } from './linear-error.ts';
import type { Crew } from './pool/crew.ts';
import { type QuantizedLinears, quantizeLinears } from './quantize-linears.ts';
import type { RowsPass } from './rows-pass.ts';
import { type BatchInputs, moduleInputs } from './sum-rows.ts';

export interface QuantizedModule extends QuantizedLinears {
  /** Mean over the first rows of ‖quantized − original‖ / ‖original‖ of the module's output on the same input. */
  readonly rfnError: number;
  /** Forward passes rounded to half precision. */
  readonly mixed: boolean;
}

/**
 * Quantizes one module on the pass's states and advances the original's; the quantized ones stay as they are, so that
 * this can be started again.
 * @param finish takes the result and the module with the weights that its packed tensors stand for.
 */
export async function quantizeModule(
  context: StageContext,
  crew: Crew,
  pass: RowsPass,
  module: ModuleSpec,
  params: ModuleParams,
  rows: number,
  batch: number,
  finish: (result: QuantizedModule, loaded: LoadedModule) => Promise<void>,
): Promise<QuantizedModule> {
  const { gpu, plan } = context;
  const { quantized, expected, original, originalNext } = pass;
  return withScope(gpu, async (scope) => {
    const loaded = await loadModule(context, scope, module, quantized.length);
    const { linears, precise } = await withScope(gpu, async (sumScope) => {
      const sample = new InputSample(gpu, sumScope, module, expected);
      const seen = ({ scope: batchScope, x, inputs, start, mixed, later }: BatchInputs) => {
        sample.take(inputs, start);
        const { forward } = withPrecision(loaded, mixed);
        const output = finishBlock(forward, batchScope, module, loaded.linears, inputs, x);
        const tokens = Math.min(x.shape[0]!, (expected.rows - start) * expected.length);
        later(expected.store(rowsOf(output, 0, tokens), start));
      };
      const { sums, mixed } = await pass.sum(sumScope, batch, {
        index: plan.modules.indexOf(module),
        key: module.key,
        sizes: inputSizes(module),
        source: (half) => moduleInputs(withPrecision(loaded, half)),
        mayRound: true,
        seen,
      });
      const precise = withPrecision(loaded, mixed);
      await advance(context, precise, original, originalNext, batch);
      const request = { loaded, params, sums, rows, sample };
      return { linears: await quantizeLinears(context, crew, scope, sumScope, request), precise };
    });
    const rfnError = await compareFirst(context, precise, quantized, expected, batch);
    const result = { ...linears, rfnError, mixed: precise.forward.mixed };
    await finish(result, precise);
    return result;
  });
}

/** The mean relative error of what the module makes of the first rows of `input`, beside what it should. */
export async function compareFirst(
  { gpu, control }: StageContext,
  { forward, module, norms, linears }: LoadedModule,
  input: HiddenStates,
  expected: HiddenStates,
  batch: number,
): Promise<number> {
  const errors: number[] = [];
  const note = (values: readonly number[], start: number) => {
    for (const [i, value] of values.entries()) errors[start + i] = value;
  };
  await forEachBatch(gpu, expected.rows, batch, async (scope, start, end, later) => {
    await checkControl(control);
    const x = input.load(scope, start, end);
    const y = runBlock(forward, scope, module, norms, linears, x).output;
    const sums = recordRowNorms(gpu, scope, y, expected.load(scope, start, end), end - start);
    later(readErrors(gpu, sums).then((values) => note(values, start)));
  });
  return mean(errors);
}
