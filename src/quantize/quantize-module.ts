import type { WorkerPool } from '../distribute/leader/worker-pool.ts';
import type { ModuleParams } from '../exl2/params.ts';
import { rowsOf } from '../gpu/parts.ts';
import { withScope } from '../gpu/scope.ts';
import type { StageContext } from '../job/context.ts';
import { inputSizes } from '../model/sizes.ts';
import type { ModuleSpec } from '../model/spec.ts';
import { InputSample } from '../pass/linear-error.ts';
import { withPrecision } from '../pass/loaded-module.ts';
import { moduleSource, type RowsSeen } from '../pass/run-rows.ts';
import { together } from '../util/together.ts';
import { type QuantizedLinears, quantizeLinears } from './quantize-linears.ts';
import type { RowsPass } from './rows-pass.ts';

export interface QuantizedModule extends QuantizedLinears {
  /** Forward passes rounded to half precision. */
  readonly mixed: boolean;
}

/** What a module's quantization costs. */
export interface ModuleErrors extends Pick<QuantizedLinears, 'linearErrors'> {
  /** Relative error of the quantized module's output to the original's on the same input, over the first rows. */
  readonly rfnError: number;
}

/**
 * Quantizes one module on the pass's states, and advances them and the original's. Until its tensors are there the
 * quantized states stay as they are, so that this can be started again.
 */
export async function quantizeModule(
  context: StageContext,
  pool: WorkerPool,
  pass: RowsPass,
  module: ModuleSpec,
  params: ModuleParams,
  rows: number,
  batch: number,
  write: (result: QuantizedModule) => Promise<void>,
): Promise<ModuleErrors> {
  const { gpu } = context;
  const { expected } = pass;
  const { index } = module;
  pass.expectSums(index, module.key);
  return pass.withModule(module, async (scope, loaded) => {
    const { linears, precise } = await withScope(gpu, async (sumScope) => {
      const sample = new InputSample(gpu, sumScope, module, expected);
      const seen: RowsSeen = {
        ranBefore: expected.rows,
        tap: (input, x, start) => sample.take(input, x, start),
        ran({ output, start, defer }) {
          const tokens = Math.min(output.shape[0]!, (expected.rows - start) * expected.length);
          defer(expected.store(rowsOf(output, 0, tokens), start));
        },
      };
      const { sums, mixed } = await pass.sum(sumScope, batch, {
        ...{ index, key: module.key, sizes: inputSizes(module), seen },
        source: (half) => moduleSource(withPrecision(loaded, half)),
        original: (half) => pass.runOriginal(index, withPrecision(loaded, half), batch),
      });
      const finished = pass.give.bind(pass, index);
      const request = { loaded, params, sums, rows, sample, finished };
      const linears = await quantizeLinears(context, pool, scope, sumScope, request);
      return { linears, precise: withPrecision(loaded, mixed) };
    });
    const written = write({ ...linears, mixed: precise.forward.mixed });
    const advanced = pass.advance(index, precise, batch);
    await together([written, advanced]);
    return { linearErrors: linears.linearErrors, rfnError: await advanced };
  });
}
