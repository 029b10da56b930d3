import type { CalibrationRows } from '../calibration/rows.ts';
import type { QuantParams } from '../exl2/params.ts';
import { factorHessian } from '../gptq/factor.ts';
import { withScope } from '../gpu/scope.ts';
import { forwardContext } from '../model/forward.ts';
import { loadNorm, loadSlices } from '../model/weights.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import type { StageContext } from './context.ts';
import { perplexity } from './perplexity.ts';
import { linearEvent, quantizeLinear } from './quantize-linear.ts';
import type { RowsPass } from './rows-pass.ts';
import { headInputs } from './sum-rows.ts';

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
  const { quantized, original } = pass;
  return withScope(gpu, async (scope) => {
    const forward = forwardContext(gpu, scope, plan.config, rows.length);
    const norm = await loadNorm(scope, source, plan.finalNorm);
    const head = await loadSlices(gpu, scope, source, plan.head);
    const before = await perplexity(context, { forward, norm, head }, original, rows.ids, original.rows);
    emit({ type: 'perplexity', model: 'original', ...before });
    const { tensors, slices } = await withScope(gpu, async (temporary) => {
      const { sums } = await pass.sum(temporary, batch, {
        index: plan.modules.length,
        key: plan.head.key,
        sizes: new Map([['postNorm', plan.head.k]]),
        source: () => headInputs(forward, norm),
        mayRound: false,
      });
      sums.freeTotals();
      const h = sums.squares.get('postNorm')!;
      const keepHessian = context.quantizer.descentPasses > 0;
      const factor = await factorHessian(gpu, temporary, 'the head', h, plan.head.k, rows.rows, keepHessian);
      temporary.free(h);
      return quantizeLinear(context, scope, plan.head, head, factor, params);
    });
    emit(linearEvent(plan.head, params, undefined));
    const after = await perplexity(
      context,
      { forward, norm, head: slices },
      quantized,
      rows.ids,
      original.rows,
    );
    emit({ type: 'perplexity', model: 'quantized', ...after });
    const { tokens } = before;
    return { tensors, perplexity: { original: before.value, quantized: after.value, tokens } };
  });
}
