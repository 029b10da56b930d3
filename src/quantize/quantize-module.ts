import type { WorkerPool } from '../distribute/leader/worker-pool.ts';
import type { ModuleParams } from '../exl2/params.ts';
import { rowsOf } from '../gpu/parts.ts';
import { withScope } from '../gpu/scope.ts';
import type { StageContext } from '../job/context.ts';
import type { HessianSummaries } from '../measurement/hessian-summary.ts';
import type { HiddenStates } from '../model/gpu/states/states.ts';
import { inputSizes } from '../model/sizes.ts';
import type { InputKey, ModuleSpec } from '../model/spec.ts';
import { InputSample } from '../pass/linear-error.ts';
import type { RowsSeen } from '../pass/run-rows.ts';
import { summarizeHessians } from '../pass/sums/summarize-hessians.ts';
import { together } from '../util/together.ts';
import { type QuantizedLinears, quantizeLinears } from './quantize-linears.ts';
import type { RowsPass } from './rows-pass.ts';

export interface QuantizedModule extends QuantizedLinears {
  /** Forward passes rounded to half precision. */
  readonly mixed: boolean;
  readonly summaries: HessianSummaries;
  /** Calibration tokens of each expert, in their order; of a module with experts. */
  readonly expertTokens?: readonly number[];
}

/** What a module's quantization costs. */
export interface ModuleErrors extends Pick<QuantizedModule, 'linearErrors' | 'expertTokens'> {
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
  const { own } = pass;
  const { index } = module;
  const inputs = [...inputSizes(module).keys()];
  try {
    const quantized = await withScope(gpu, async (scope): Promise<QuantizedModule> => {
      const sample = new InputSample(gpu, scope, module, own.expected, rows);
      const { sums, mixed } = await pass.sum(index, inputs, batch, firstSeen(sample, own.expected));
      const counted = expertTokens(module, sums.tokens);
      const summaries = summarizeHessians(gpu, module, sums.sums, sums.tokens);
      const request = { module, params, sums, rows, sample };
      const quantized = await quantizeLinears(context, pool, pass, request);
      return { mixed, ...counted, ...quantized, summaries: await summaries };
    });
    const written = write(quantized);
    const advanced = pass.advance(index, quantized.mixed, batch);
    await together([written, advanced]);
    return { ...quantized, rfnError: await advanced };
  } finally {
    own.release();
  }
}

const expertTokens = (
  { mixer }: ModuleSpec,
  tokens: ReadonlyMap<InputKey, number>,
): Pick<QuantizedModule, 'expertTokens'> =>
  mixer.kind === 'experts'
    ? { expertTokens: mixer.experts.map(({ down }) => tokens.get(down.input) ?? 0) }
    : {};

/** Keeps of the first rows a sample of what the linears read, and what comes out. */
const firstSeen = (sample: InputSample, expected: HiddenStates): RowsSeen => ({
  ranBefore: expected.rows,
  tap: (input, x, start, tokens) => sample.take(input, x, start, tokens),
  ran({ output, start, defer }) {
    const tokens = Math.min(output.shape[0]!, (expected.rows - start) * expected.length);
    defer(expected.store(rowsOf(output, 0, tokens), start));
  },
});
