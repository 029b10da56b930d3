import type { CalibrationRows } from '../calibration/rows.ts';
import { headParams } from '../exl2/candidates.ts';
import { readPackedLinear } from '../exl2/packed-linear.ts';
import type { BitWidth } from '../exl2/params.ts';
import { dequantizeInto } from '../gptq/gpu-linear.ts';
import { uploadPacked } from '../gptq/pack.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import { readAhead } from '../io/read-ahead.ts';
import type { SafetensorsFile } from '../io/safetensors/reader.ts';
import { embedTokens } from '../model/embedding.ts';
import type { ModuleSpec } from '../model/plan.ts';
import { HiddenStates } from '../model/states.ts';
import { weightNames } from '../model/weights.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import { assert } from '../util/errors.ts';
import { ARTEFACT } from './artefacts.ts';
import { rowsPerBatch, withFittingBatch } from './batch-size.ts';
import { advance, type LoadedModule, loadModule, withPrecision } from './capture.ts';
import type { StageContext } from './context.ts';
import type { Strategy } from './optimize.ts';
import { progressReporter } from './progress.ts';
import { type Perplexities, quantizeHead } from './quantize-head.ts';
import {
  linearEvent,
  type ModuleParams,
  type PassStates,
  type QuantizedModule,
  quantizeModule,
} from './quantize-module.ts';

/** How to quantize. */
export interface QuantizeChoice {
  readonly strategy: Strategy;
  readonly headBits: BitWidth;
  /** Rows on which perplexity is taken. */
  readonly perplexityRows: number;
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
 */
export async function quantize(
  stage: StageContext,
  rows: CalibrationRows,
  choice: QuantizeChoice,
): Promise<QuantizeResult> {
  const { gpu, plan, work, emit } = stage;
  const { source, fetch } = readAhead(stage.source);
  const context = { ...stage, source };
  const { hiddenSize } = plan.config;
  const { strategy } = choice;
  const progress = progressReporter(context, 'quantize');
  const originalRows = Math.min(choice.perplexityRows, rows.rows);
  const newStates = (count: number) => new HiddenStates(gpu, count, rows.length, hiddenSize);
  let states: PassStates = {
    quantized: newStates(rows.rows),
    quantizedNext: newStates(rows.rows),
    original: newStates(originalRows),
    originalNext: newStates(originalRows),
  };
  const rfnErrors = new Map<string, number>();
  const linearErrors = new Map<string, number>();
  const batchRows = rowsPerBatch(gpu, plan, rows.length);
  try {
    await withFittingBatch(gpu, 1, 'the embedding', Object.values(states), () =>
      embedTokens(gpu, source, plan, rows.ids, [states.quantized, states.original]),
    );
    fetch(weightNames(plan.modules[0]));
    for (const [index, module] of plan.modules.entries()) {
      const started = performance.now();
      progress(index, 0);
      fetch(weightNames(plan.modules[index + 1]));
      const done = await work.openTensors(ARTEFACT.tensors(module.key));
      const params = strategy.params.get(module.key)!;
      const errors = await withFittingBatch(gpu, batchRows, module.key, Object.values(states), (batch) =>
        done
          ? replayModule(context, module, params, done, states, batch)
          : quantizeAndWrite(context, module, params, states, batch, (share) => progress(index, share)),
      );
      states = swapped(states);
      const { rfnError } = errors;
      rfnErrors.set(module.key, rfnError);
      for (const { key, name } of module.linears) linearErrors.set(key, errors.linearErrors[name]!);
      progress(index, 1);
      const seconds = (performance.now() - started) / 1000;
      const count = plan.modules.length;
      const { bitsPerWeight } = strategy.event.modules[index]!;
      const resumed = done !== undefined;
      emit({
        type: 'module',
        stage: 'quantize',
        key: module.key,
        index,
        count,
        bitsPerWeight,
        rfnError,
        seconds,
        resumed,
      });
    }
    const params = headParams(choice.headBits);
    progress(plan.modules.length, 0);
    const head = await withFittingBatch(gpu, batchRows, 'the head', Object.values(states), (batch) =>
      quantizeHead(context, params, states, rows, batch),
    );
    await work.writeTensors(ARTEFACT.tensors(plan.head.key), head.tensors);
    progress(plan.modules.length, 1);
    return { rfnErrors, linearErrors, perplexity: head.perplexity };
  } finally {
    for (const each of Object.values(states)) each.free();
  }
}

/** What a module made of the states becomes the next one's input. */
const swapped = ({ quantized, quantizedNext, original, originalNext }: PassStates): PassStates => ({
  quantized: quantizedNext,
  quantizedNext: quantized,
  original: originalNext,
  originalNext: original,
});

type ModuleErrors = Pick<QuantizedModule, 'rfnError' | 'linearErrors'>;

async function quantizeAndWrite(
  context: StageContext,
  module: ModuleSpec,
  params: ModuleParams,
  states: PassStates,
  batch: number,
  progress: (share: number) => void,
): Promise<ModuleErrors> {
  const { tensors, mixed, ...errors } = await quantizeModule(
    context,
    module,
    params,
    states,
    batch,
    progress,
  );
  await context.work.writeTensors(ARTEFACT.tensors(module.key), tensors, {
    mixed: String(mixed),
    rfn_error: String(errors.rfnError),
    linear_errors: JSON.stringify(errors.linearErrors),
  });
  return errors;
}

/** Advances the states through a module that is finished, as if it had been quantized now. */
async function replayModule(
  context: StageContext,
  module: ModuleSpec,
  params: ModuleParams,
  file: SafetensorsFile,
  states: PassStates,
  batch: number,
): Promise<ModuleErrors> {
  await withScope(context.gpu, async (scope) => {
    const loaded = await loadModule(context, scope, module, states.quantized.length);
    const precise = withPrecision(loaded, file.metadata.get('mixed') === 'true');
    await advance(context, precise, states.original, states.originalNext, batch);
    await takePackedWeights(context, scope, precise, file);
    await advance(context, precise, states.quantized, states.quantizedNext, batch);
  });
  const errors = errorsIn(file, module);
  for (const linear of module.linears) {
    context.emit(linearEvent(linear, params[linear.name]!, errors.linearErrors[linear.name]));
  }
  return errors;
}

function errorsIn({ name, metadata }: SafetensorsFile, { linears }: ModuleSpec): ModuleErrors {
  const rfnError = Number(metadata.get('rfn_error'));
  const linearErrors = JSON.parse(metadata.get('linear_errors') ?? '{}') as Record<string, number>;
  const complete = linears.every((linear) => Number.isFinite(linearErrors[linear.name]));
  assert(Number.isFinite(rfnError) && complete, `${name} lacks errors`);
  return { rfnError, linearErrors };
}

/** Replaces the weights of `loaded` by those that the packed tensors in `file` stand for. */
export async function takePackedWeights(
  { gpu }: StageContext,
  scope: Scope,
  { module, linears }: LoadedModule,
  file: SafetensorsFile,
): Promise<void> {
  for (const { name, key } of module.linears) {
    const tensors = new Map<string, HostTensor>();
    for (const { name } of file.tensors.values()) {
      if (name.startsWith(`${key}.`)) tensors.set(name, await file.read(name));
    }
    const packed = readPackedLinear(key, (name) => tensors.get(name));
    const w = scope.alloc([packed.k, packed.n], `rebuilt ${key}`);
    await withScope(gpu, (temporary) => dequantizeInto(gpu, uploadPacked(gpu, temporary, key, packed), w));
    const original = linears.get(name)!;
    linears.set(name, { ...original, w });
    scope.free(original.w);
  }
}
