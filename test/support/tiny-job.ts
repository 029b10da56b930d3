import { readFileSync } from 'node:fs';
import type { CalibrationRows } from '../../src/calibrate/rows.ts';
import type { ConvertJob } from '../../src/convert/convert-job.ts';
import type { WorkerJob } from '../../src/distribute/leader/api.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { ReadableDirectory, WritableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { workDirectory } from '../../src/io/work/work-directory.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import { QUANTIZERS } from '../../src/job/settings.ts';
import { openModel } from '../../src/model/check/open-model.ts';
import { StateStore } from '../../src/model/gpu/states/state-store.ts';
import { GOLDEN_DIR, readJson } from './architectures.ts';
import { readRows, strategyFromJson } from './conversion.ts';

const NAME = 'llama_tied_bias';
const FOLDER = `${GOLDEN_DIR}/architectures/${NAME}`;
const LENGTH = 24;

/** A tiny model of so many layers, in memory. */
export function tinyModel(layers: number): ReadableDirectory {
  const config = { ...(readJson(`${FOLDER}/config.json`) as object), num_hidden_layers: layers };
  const tokenizer = ['tokenizer.json', 'tokenizer_config.json'].map(
    (name) => [name, readFileSync(`${GOLDEN_DIR}/architectures/tokenizer/${name}`)] as const,
  );
  return memoryDirectory('model', {
    'config.json': JSON.stringify(config),
    'model.safetensors': readFileSync(`${FOLDER}/model.safetensors`),
    ...Object.fromEntries(tokenizer),
  });
}

/** Six rows of a few tokens: four parts, two of one row and two of two. */
export async function tinyRows(): Promise<CalibrationRows> {
  const { ids, sources } = await readRows('test/fixtures/calibration/cal_quant.safetensors', 4096);
  const rows = 6;
  return {
    ...{ rows, length: LENGTH, sources: sources.slice(0, rows) },
    ids: ids.slice(0, rows * LENGTH).map((id) => id % 320),
  };
}

/** What measuring and quantizing a tiny model takes, by ExLlamaV2's quantizer; `events` collects what is emitted. */
export async function tinyStages(gpu: Gpu, model: ReadableDirectory, work: WritableDirectory) {
  const { source, plan } = await openModel(model, {});
  const events: ConvertEvent[] = [];
  const context = {
    ...{ gpu, source, plan, quantizer: QUANTIZERS.exllamav2, work: workDirectory(work) },
    emit: (event: ConvertEvent) => void events.push(event),
    control: { signal: new AbortController().signal },
    stateStore: new StateStore(undefined, work.scratch),
    speeds: undefined,
  };
  const golden = readJson(`${GOLDEN_DIR}/conversion/architectures/${NAME}/conversion.json`);
  const strategy = strategyFromJson(plan, (golden as { strategy: unknown }).strategy);
  const rows = await tinyRows();
  const settings: WorkerJob['settings'] = { quantizer: context.quantizer, precision: 'f32' };
  const job: WorkerJob = { settings, measurement: rows, quantization: rows };
  // Of the rows, the leader has fewer where there are other workers.
  const choice = { strategy, headBits: 6, perplexityRows: 3 } as const;
  return { context, events, rows, job, choice };
}

/** A whole conversion of a tiny model by ExLlamaV2's quantizer; `events` collects what is emitted. */
export async function tinyJob(
  gpu: Gpu,
  model: ReadableDirectory,
  { work, output }: Pick<ConvertJob, 'work' | 'output'>,
): Promise<ConvertJob & { readonly events: ConvertEvent[] }> {
  const rows = await tinyRows();
  const events: ConvertEvent[] = [];
  return {
    ...{ gpu, model, work, output, events, adapter: { name: 'test GPU', software: true } },
    settings: {
      ...{ bits: 4, headBits: 6, quantizer: QUANTIZERS.exllamav2, precision: 'f32', shardBytes: 2 ** 30 },
      dataset: 'test',
    },
    calibration: {
      measurement: async () => rows,
      quantization: async () => rows,
      heldOut: async () => ({ ...rows, rows: 1, ids: rows.ids.slice(0, rows.length) }),
    },
    emit: (event) => void events.push(event),
    control: { signal: new AbortController().signal },
  };
}

/** All files of a directory, as hex. */
export async function filesOf(directory: ReadableDirectory): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { path, size } of await directory.list()) {
    const file = (await directory.open(path))!;
    files[path] = Buffer.from(await file.read(0, size)).toString('hex');
  }
  return files;
}
