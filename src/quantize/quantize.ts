import type { Strategy } from '../allocate/optimize.ts';
import type { CalibrationRows } from '../calibrate/rows.ts';
import type { WorkerPool } from '../distribute/leader/worker-pool.ts';
import { fewExpertTokensWarning } from '../estimate/token-need.ts';
import { headParams } from '../exl2/candidates.ts';
import type { BitWidth, ModuleParams } from '../exl2/params.ts';
import type { SafetensorsFile } from '../io/safetensors/reader.ts';
import { ARTEFACT } from '../job/artefacts.ts';
import type { StageContext } from '../job/context.ts';
import { progressReporter } from '../job/progress.ts';
import { candidateBits } from '../measurement/module-candidates.ts';
import { moduleWeights } from '../model/sizes.ts';
import type { ModuleSpec } from '../model/spec.ts';
import { rowsPerBatch, withFittingBatch } from '../pass/batch-size.ts';
import { isMixed } from '../pass/packed-module.ts';
import { writeSummaries } from '../pass/sums/summarize-hessians.ts';
import { assert } from '../util/errors.ts';
import { finishedTensors, strategyMark } from './finished-tensors.ts';
import { type Perplexities, quantizeHead } from './quantize-head.ts';
import { linearEvent } from './quantize-linear.ts';
import { type ModuleErrors, type QuantizedModule, quantizeModule } from './quantize-module.ts';
import { type QuantizedErrors, quantizedErrors } from './quantized-errors.ts';
import { RowsPass } from './rows-pass.ts';

/** How to quantize. */
export interface QuantizeChoice {
  readonly strategy: Strategy;
  readonly headBits: BitWidth;
  /** Rows on which perplexity is taken. */
  readonly perplexityRows: number;
  /** Of rows that are run together. */
  readonly mostRows: number;
}

export interface QuantizeResult extends QuantizedErrors {
  readonly perplexity: Perplexities;
}

/**
 * Quantizes every module and the head; each one's tensors are an artefact of their own. Modules that an earlier run
 * has finished are only run forward, with their packed weights.
 * @throws WorkerLostError, SpoiledStatesError: to be called again, it goes on from the last finished module.
 */
export async function quantize(
  context: StageContext,
  pool: WorkerPool,
  rows: CalibrationRows,
  choice: QuantizeChoice,
): Promise<QuantizeResult> {
  const { gpu, plan, work, emit } = context;
  const { strategy } = choice;
  const mark = await strategyMark(strategy);
  const progress = progressReporter(context, 'quantize');
  const pass = await RowsPass.open(context, pool, rows, choice.perplexityRows);
  const allErrors = new Map<ModuleSpec, ModuleErrors>();
  let batchRows = Math.min(rowsPerBatch(gpu, plan, rows.length), choice.mostRows);
  try {
    await pass.start();
    for (const [index, module] of plan.modules.entries()) {
      const started = performance.now();
      progress(index, 0);
      const done = await finishedTensors(work, module.key, strategy);
      const params = strategy.params.get(module.choice)!;
      const errors = await withFittingBatch(context, batchRows, module.key, pass.own.states, (batch) => {
        batchRows = batch;
        return done
          ? replayModule(context, pass, module, params, done, batch)
          : quantizeModule(context, pool, pass, module, params, rows.rows, batch, (result) => {
              progress(index, 0.7);
              return writeModule(context, module, result, mark);
            });
      });
      allErrors.set(module, errors);
      progress(index, 1);
      const seconds = (performance.now() - started) / 1000;
      const count = plan.modules.length;
      const bitsPerWeight = candidateBits(module, params) / moduleWeights(module);
      const { rfnError, expertTokens } = errors;
      const facts = { bitsPerWeight, rfnError, seconds, resumed: done !== undefined };
      const { key, choice } = module;
      emit({
        type: 'module',
        stage: 'quantize',
        key,
        choice,
        index,
        count,
        ...facts,
        ...(expertTokens && { expertTokens }),
      });
    }
    const params = headParams(choice.headBits);
    progress(plan.modules.length, 0);
    const head = await quantizeHead(context, params, pass, rows, batchRows);
    await work.writeTensors(ARTEFACT.tensors(plan.head.key), head.tensors, mark);
    progress(plan.modules.length, 1);
    const errors = quantizedErrors(allErrors);
    const warning = fewExpertTokensWarning(plan, errors.expertTokens);
    if (warning) emit({ type: 'warning', message: warning });
    return { ...errors, perplexity: head.perplexity };
  } finally {
    await pass.own.free();
  }
}

/** The summaries first: a module counts as finished when its tensors are there. */
async function writeModule(
  { work }: StageContext,
  { key }: ModuleSpec,
  { tensors, summaries, mixed, linearErrors, expertTokens }: QuantizedModule,
  mark: Readonly<Record<string, string>>,
): Promise<void> {
  await writeSummaries(work, key, summaries);
  await work.writeTensors(ARTEFACT.tensors(key), tensors, {
    ...mark,
    mixed: String(mixed),
    linear_errors: JSON.stringify(linearErrors),
    ...(expertTokens && { expert_tokens: JSON.stringify(expertTokens) }),
  });
}

/** Advances the states through a module that is finished, as if it had been quantized now. */
async function replayModule(
  context: StageContext,
  pass: RowsPass,
  module: ModuleSpec,
  params: ModuleParams,
  file: SafetensorsFile,
  batch: number,
): Promise<ModuleErrors> {
  const { own } = pass;
  const { index } = module;
  const mixed = isMixed(file);
  try {
    await pass.runOriginal(index, mixed, batch);
    await own.makeExpected(index, mixed, batch);
    await own.modules.complete(index, file);
    const rfnError = await pass.advance(index, mixed, batch);
    const linearErrors = linearErrorsIn(file, module);
    for (const linear of module.linears) {
      context.emit(linearEvent(module, linear, params[linear.paramsName]!, linearErrors[linear.name]));
    }
    return { rfnError, linearErrors, ...expertTokensIn(file) };
  } finally {
    own.release();
  }
}

function expertTokensIn({ metadata }: SafetensorsFile): Pick<ModuleErrors, 'expertTokens'> {
  const text = metadata.get('expert_tokens');
  return text === undefined ? {} : { expertTokens: JSON.parse(text) as number[] };
}

function linearErrorsIn(
  { name, metadata }: SafetensorsFile,
  { linears }: ModuleSpec,
): Readonly<Record<string, number>> {
  const errors = JSON.parse(metadata.get('linear_errors') ?? '{}') as Record<string, number>;
  const complete = linears.every((linear) => Number.isFinite(errors[linear.name]));
  assert(complete, `${name} lacks errors`);
  return errors;
}
