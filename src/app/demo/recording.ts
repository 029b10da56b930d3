/** The recorded conversion: its file, and what that holds. `scripts/demo/` makes it. */

import address from '../../../data/demo.json?url';
import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import type { ModelFacts } from '../../../workers/api/model.ts';
import type { BitWidth } from '../../exl2/params.ts';
import type { ConvertEvent, StartEvent } from '../../job/events.ts';
import type { TextView } from '../state/text-view.ts';

/** Events that came together. */
export interface Batch {
  /** Milliseconds since the start. */
  readonly time: number;
  readonly events: readonly ConvertEvent[];
}

export interface Recording {
  /** When: `2026-12-01`. */
  readonly date: string;
  readonly gpu: NonNullable<StartEvent['gpu']>;
  /** Of the job before it begins. */
  readonly record: JobRecord;
  readonly batches: readonly Batch[];
  readonly files: TargetResult['files'];
  readonly prompt: string;
  readonly texts: { readonly original: TextView; readonly quantized: TextView };
}

type PackedToken = readonly [
  id: number,
  text: string,
  likely?: readonly (readonly [number, string, number])[],
];
/** Of a trial: module, candidate, error, bits per weight, and the setting of each linear, by its number. */
type PackedTrial = readonly [module: number, candidate: number, error: number, bits: number, ...number[]];

interface RecordingFile {
  readonly date: string;
  readonly bits: number;
  readonly headBits: BitWidth;
  readonly gpu: Recording['gpu'];
  readonly files: TargetResult['files'];
  readonly model: ModelFacts;
  readonly prompt: string;
  readonly texts: Readonly<Record<'original' | 'quantized', readonly PackedToken[]>>;
  readonly settings: readonly string[];
  readonly batches: readonly (readonly [time: number, ...(ConvertEvent | PackedTrial)[]])[];
}

/** Loads it. Throws when the server does not give it. */
export async function loadRecording(): Promise<Recording> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`The recording did not load: the server says ${response.status}.`);
  return unpack((await response.json()) as RecordingFile);
}

export function unpack(file: RecordingFile): Recording {
  const { date, gpu, files, prompt, texts, batches } = file;
  return {
    ...{ date, gpu, files, prompt },
    record: recordOf(file),
    batches: batches.map(([time, ...events]) => ({
      time,
      events: events.map((event) => ('type' in event ? event : trialOf(event, file))),
    })),
    texts: { original: textOf(texts.original), quantized: textOf(texts.quantized) },
  };
}

function trialOf(
  [at, candidate, error, bitsPerWeight, ...params]: PackedTrial,
  { model, settings }: RecordingFile,
): ConvertEvent {
  const module = model.modules[at]!;
  const description = params
    .map((setting, i) => `${module.linears[i]!.name} ${settings[setting]}`)
    .join(', ');
  const { key } = module;
  return { type: 'trial', module: key, candidate, error, bitsPerWeight, description, predicted: false };
}

function recordOf({ model, bits, headBits, gpu, date, batches }: RecordingFile): JobRecord {
  const options: JobRecord['options'] = {
    ...{ bits: [bits], headBits, quantizer: 'refined', precision: gpu.precision },
    ...{ preset: gpu.software ? 'quick' : 'standard', chooseAfterMeasuring: false },
    ...{ gpuBudgetBytes: gpu.budgetBytes, seed: 0 },
  };
  const created = Date.parse(date);
  const seconds = (batches.at(-1)?.[0] ?? 0) / 1000;
  return {
    ...{ id: 'demo', modelName: model.name, created, changed: created, state: 'running', options, model },
    // As they were; of the two, measuring has the first half.
    times: { measure: measuredAt(batches) / 1000, target: seconds - measuredAt(batches) / 1000 },
    ...{ sourceGone: false, outputName: '', targets: [{ bits, pinned: {} }], measured: false, results: [] },
  };
}

/** Milliseconds after which the measurement was done. */
const measuredAt = (batches: RecordingFile['batches']): number =>
  batches.find(([, ...events]) =>
    events.some((event) => 'type' in event && event.type === 'stage' && event.stage === 'quantize'),
  )?.[0] ?? 0;

function textOf(tokens: readonly PackedToken[]): TextView {
  return {
    ...{ state: 'ended', loaded: 1, end: 'length' },
    tokens: tokens.map(([id, text, likely = []]) => ({
      id,
      text,
      likely: likely.map(([other, words, probability]) => ({ id: other, text: words, probability })),
    })),
  };
}
