import type { Strategy } from '../allocate/optimize.ts';
import type { CalibrationRows } from '../calibrate/rows.ts';
import type { WorkerPool } from '../distribute/leader/worker-pool.ts';
import { headParams } from '../exl2/candidates.ts';
import type { BitWidth, ModuleParams } from '../exl2/params.ts';
import { readAhead } from '../io/model/read-ahead.ts';
import type { TensorSource } from '../io/model/tensor-source.ts';
import type { SafetensorsFile } from '../io/safetensors/reader.ts';
import { ARTEFACT } from '../job/artefacts.ts';
import type { StageContext } from '../job/context.ts';
import { progressReporter } from '../job/progress.ts';
import { candidateBits } from '../measurement/module-candidates.ts';
import { weightNames } from '../model/gpu/weights.ts';
import { moduleWeights } from '../model/sizes.ts';
import type { ModelPlan, ModuleSpec } from '../model/spec.ts';
import { rowsPerBatch, withFittingBatch } from '../pass/batch-size.ts';
import { withPrecision } from '../pass/loaded-module.ts';
import { isMixed, takePackedWeights } from '../pass/packed-module.ts';
import { advance } from '../pass/run-rows.ts';
import { byteLength } from '../tensor/dtype.ts';
import { assert } from '../util/errors.ts';
import { finishedTensors, strategyMark } from './finished-tensors.ts';
import { type Perplexities, quantizeHead } from './quantize-head.ts';
import { linearEvent } from './quantize-linear.ts';
import { type ModuleErrors, type QuantizedModule, quantizeModule } from './quantize-module.ts';
import { RowsPass } from './rows-pass.ts';

/** Larger heads are read a slice at a time, as the memory for all of it may not be there. */
const HEAD_BYTES = 2 ** 30;

/** How to quantize. */
export interface QuantizeChoice {
  readonly strategy: Strategy;
  readonly headBits: BitWidth;
  /** Rows on which perplexity is taken. */
  readonly perplexityRows: number;
  /** Of rows that are run together. */
  readonly mostRows: number;
}

export interface QuantizeResult {
  /** By the module's key. */
  readonly rfnErrors: ReadonlyMap<string, number>;
  /** By the linear's key, without the head's. */
  readonly linearErrors: ReadonlyMap<string, number>;
  readonly perplexity: Perplexities;
}

/**
 * Quantizes every module and the head; each one's tensors are an artefact of their own. Modules that an earlier run
 * has finished are only run forward, with their packed weights.
 * @throws WorkerLostError, SpoiledStatesError: to be called again, it goes on from the last finished module.
 */
export async function quantize(
  stage: StageContext,
  pool: WorkerPool,
  rows: CalibrationRows,
  choice: QuantizeChoice,
): Promise<QuantizeResult> {
  const { gpu, plan, work, emit } = stage;
  const { source, fetch } = readAhead(stage.source);
  const context = { ...stage, source };
  const { strategy } = choice;
  const mark = await strategyMark(strategy);
  const progress = progressReporter(context, 'quantize');
  const pass = new RowsPass(context, pool, rows, choice.perplexityRows);
  const rfnErrors = new Map<string, number>();
  const linearErrors = new Map<string, number>();
  const batchRows = Math.min(rowsPerBatch(gpu, plan, rows.length), choice.mostRows);
  try {
    fetch(weightNames(plan.modules[0]));
    await pass.start();
    for (const [index, module] of plan.modules.entries()) {
      const started = performance.now();
      progress(index, 0);
      fetch(namesAfter(source, plan, index));
      const done = await finishedTensors(work, module.key, strategy);
      const params = strategy.params.get(module.choice)!;
      const errors = await withFittingBatch(gpu, batchRows, module.key, pass.states, (batch) =>
        done
          ? replayModule(context, pass, module, params, done, batch)
          : quantizeModule(context, pool, pass, module, params, rows.rows, batch, (result) => {
              progress(index, 0.7);
              return writeModule(context, module, result, mark);
            }),
      );
      const { rfnError } = errors;
      rfnErrors.set(module.key, rfnError);
      for (const { key, name } of module.linears) linearErrors.set(key, errors.linearErrors[name]!);
      progress(index, 1);
      const seconds = (performance.now() - started) / 1000;
      const count = plan.modules.length;
      const bitsPerWeight = candidateBits(module, params) / moduleWeights(module);
      const facts = { bitsPerWeight, rfnError, seconds, resumed: done !== undefined };
      emit({ type: 'module', stage: 'quantize', key: module.key, index, count, ...facts });
    }
    const params = headParams(choice.headBits);
    progress(plan.modules.length, 0);
    const head = await withFittingBatch(gpu, batchRows, 'the head', pass.states, (batch) =>
      quantizeHead(context, params, pass, rows, batch),
    );
    await work.writeTensors(ARTEFACT.tensors(plan.head.key), head.tensors, mark);
    progress(plan.modules.length, 1);
    return { rfnErrors, linearErrors, perplexity: head.perplexity };
  } finally {
    await pass.free();
  }
}

/** The large tensors that come after this module, worth reading ahead. */
function namesAfter(source: TensorSource, { modules, head }: ModelPlan, index: number): string[] {
  const next = modules[index + 1];
  if (next) return weightNames(next);
  return byteLength(source.requireInfo(head.weight)) <= HEAD_BYTES ? [head.weight] : [];
}

const writeModule = (
  { work }: StageContext,
  { key }: ModuleSpec,
  { tensors, mixed, linearErrors }: QuantizedModule,
  mark: Readonly<Record<string, string>>,
): Promise<void> =>
  work.writeTensors(ARTEFACT.tensors(key), tensors, {
    ...mark,
    mixed: String(mixed),
    linear_errors: JSON.stringify(linearErrors),
  });

/** Advances the states through a module that is finished, as if it had been quantized now. */
async function replayModule(
  context: StageContext,
  pass: RowsPass,
  module: ModuleSpec,
  params: ModuleParams,
  file: SafetensorsFile,
  batch: number,
): Promise<ModuleErrors> {
  const index = context.plan.modules.indexOf(module);
  const rfnError = await pass.withModule(module, async (scope, loaded) => {
    const precise = withPrecision(loaded, isMixed(file));
    await pass.runOriginal(index, precise, batch);
    await advance(context, precise, pass.quantized, pass.expected, batch);
    await takePackedWeights(context, scope, precise, file);
    return pass.advance(index, precise, batch);
  });
  const linearErrors = linearErrorsIn(file, module);
  for (const linear of module.linears) {
    context.emit(linearEvent(linear, params[linear.paramsName]!, linearErrors[linear.name]));
  }
  return { rfnError, linearErrors };
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
