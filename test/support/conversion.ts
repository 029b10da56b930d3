import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Strategy } from '../../src/allocate/optimize.ts';
import type { CalibrationRows } from '../../src/calibrate/rows.ts';
import { rowsFromTensor } from '../../src/calibrate/rows-artefact.ts';
import { PoolWorker, WorkerPool } from '../../src/distribute/leader/worker-pool.ts';
import { paramsFromJson } from '../../src/exl2/params-json.ts';
import type { QuantizerMethod } from '../../src/gptq/method.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { ReadableDirectory } from '../../src/io/bytes.ts';
import { openModelDirectory } from '../../src/io/model/model-directory.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { workDirectory } from '../../src/io/work/work-directory.ts';
import type { StageContext } from '../../src/job/context.ts';
import type { ConvertEvent, Emit } from '../../src/job/events.ts';
import { QUANTIZERS } from '../../src/job/settings.ts';
import { candidateBits } from '../../src/measurement/module-candidates.ts';
import { parseConfig } from '../../src/model/config/config.ts';
import { StateStore } from '../../src/model/gpu/states/state-store.ts';
import { buildPlan } from '../../src/model/plan.ts';
import { moduleWeights } from '../../src/model/sizes.ts';
import type { ModelPlan } from '../../src/model/spec.ts';
import { readSafetensors } from './safetensors.ts';

/** The stages' context for a model or its folder, with the work in memory; `events` collects what is emitted. */
export async function stageContext(
  gpu: Gpu,
  model: ReadableDirectory | string,
  method: QuantizerMethod = 'exllamav2',
): Promise<StageContext & { events: ConvertEvent[] }> {
  const source = await openModelDirectory(typeof model === 'string' ? nodeDirectory(model) : model);
  const tensors = new Map(source.names().map((name) => [name, source.requireInfo(name)]));
  const plan = buildPlan(parseConfig(await source.readJson('config.json')), tensors);
  const events: ConvertEvent[] = [];
  const work = workDirectory(memoryDirectory('work'));
  const control = { signal: new AbortController().signal };
  const emit: Emit = (event) => void events.push(event);
  const quantizer = QUANTIZERS[method];
  const stateStore = new StateStore();
  return { gpu, source, plan, work, stateStore, quantizer, emit, control, speeds: undefined, events };
}

/** A job of one worker. */
export const lonePool = (): WorkerPool =>
  new WorkerPool(
    new PoolWorker(1, 'this GPU', 1),
    [],
    () => 0,
    () => {},
  );

/** Token rows as ExLlamaV2 stores them. */
export async function readRows(path: string, vocabSize: number): Promise<CalibrationRows> {
  return rowsFromTensor((await readSafetensors(path)).get('input_ids')!, path, vocabSize);
}

/** JSON that may be compressed in the fixtures and plain in the full set of reference data. */
export function readMaybeCompressed(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return JSON.parse(gunzipSync(readFileSync(`${path}.gz`)).toString());
  }
}

/** A strategy has attention and MLP apart, where a measurement has them in one entry. */
const strategyKey = (key: string): string =>
  key.replace('parallel_decoder.attn', 'self_attn').replace('parallel_decoder.mlp', 'mlp');

/** A strategy of an ExLlamaV2 job, as our quantization pass takes it. */
export function strategyFromJson(plan: ModelPlan, json: unknown): Strategy {
  const byKey = new Map(Object.entries(json as Record<string, Record<string, unknown>>));
  const params = new Map(
    plan.choices.map(({ key, linears }) => {
      const settings = linears.map(
        ({ paramsName }) =>
          [paramsName, paramsFromJson(byKey.get(strategyKey(key))![paramsName], key)] as const,
      );
      return [key, Object.fromEntries(settings)];
    }),
  );
  const modules = plan.choices.map((module) => {
    const bits = candidateBits(module, params.get(module.key)!);
    const bitsPerWeight = bits / moduleWeights(module);
    return { key: module.key, candidate: 0, totalBits: bits, bitsPerWeight, error: 0, description: '' };
  });
  const sums = { bitsPerWeight: 0, budgetBits: 0, usedBits: 0, sumError: 0, maxError: 0, sumLogError: 0 };
  const accuracies = new Map(plan.modules.map(({ key }) => [key, 1]));
  return { params, accuracies, event: { type: 'allocation', modules, ...sums } };
}
