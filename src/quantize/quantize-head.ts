import type { CalibrationRows } from '../calibrate/rows.ts';
import type { QuantParams } from '../exl2/params.ts';
import { factorHessian } from '../gptq/factor.ts';
import { withScope } from '../gpu/scope.ts';
import type { StageContext } from '../job/context.ts';
import { loadNorm, loadSlices } from '../model/gpu/weights.ts';
import { type Perplexity, perplexity } from '../pass/perplexity.ts';
import { headSource } from '../pass/run-rows.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import { factorOptions, linearEvent, quantizeLinear } from './quantize-linear.ts';
import type { RowsPass } from './rows-pass.ts';

/** Over the first calibration rows. */
export interface Perplexities {
  readonly original: number;
  readonly quantized: number;
  readonly tokens: number;
}

export interface QuantizedHead {
  readonly tensors: readonly HostTensor[];
  readonly perplexity: Perplexities;
}

/** Quantizes the head on the quantized model's final states; perplexity of both models on the original's rows. */
export async function quantizeHead(
  context: StageContext,
  params: QuantParams,
  pass: RowsPass,
  rows: CalibrationRows,
  batch: number,
): Promise<QuantizedHead> {
  const { gpu, source, plan, emit } = context;
  const { quantized, expected } = pass;
  const index = plan.modules.length;
  pass.expectSums(index, plan.head.key);
  return withScope(gpu, async (scope) => {
    const norm = await loadNorm(scope, source, plan.finalNorm);
    const head = await loadSlices(gpu, scope, source, plan.head);
    let before: Promise<Perplexity> | undefined;
    const { tensors, slices, mixed } = await withScope(gpu, async (temporary) => {
      const { sums, mixed } = await pass.sum(temporary, batch, {
        ...{ index, key: plan.head.key, sizes: new Map([[plan.head.input, plan.head.k]]) },
        source: (half) => headSource(gpu, plan.head, norm, half),
        original(half) {
          before = pass.originalPerplexity({ mixed: half, norm, head });
          return before;
        },
      });
      sums.freeTotals();
      const h = sums.squares.get(plan.head.input)!;
      const options = factorOptions(context.quantizer, rows.rows);
      const factor = await factorHessian(gpu, temporary, 'the head', h, options);
      temporary.free(h);
      return { ...(await quantizeLinear(context, scope, plan.head, head, factor, params)), mixed };
    });
    emit(linearEvent(plan.head, params, undefined));
    const model = { mixed, norm, head: slices };
    const after = await perplexity(context, model, quantized, rows.ids, expected.rows);
    const { value, tokens } = await before!;
    emit({ type: 'perplexity', model: 'original', value, tokens });
    emit({ type: 'perplexity', model: 'quantized', ...after });
    return { tensors, perplexity: { original: value, quantized: after.value, tokens } };
  });
}
