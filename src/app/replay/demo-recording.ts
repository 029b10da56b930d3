/** The recorded conversion: its file, and what that holds. `scripts/demo/` makes it. */

import address from '../../../data/demo.json?url';
import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import type { ModelFacts } from '../../../workers/api/model.ts';
import type { BitWidth } from '../../exl2/params.ts';
import type { StartEvent } from '../../job/events.ts';
import { type Batch, type PackedRecording, unpackBatches } from '../../job/recording/packed.ts';
import type { TextView } from '../state/text-view.ts';
import { recordedResult } from './recorded-result.ts';
import type { Recording } from './recording.ts';

/** The recorded conversion of the bundled model. */
export interface DemoRecording extends Recording {
  /** When: `2026-12-01`. */
  readonly date: string;
  readonly gpu: NonNullable<StartEvent['gpu']>;
  readonly prompt: string;
  readonly texts: { readonly original: TextView; readonly quantized: TextView };
}

type PackedToken = readonly [
  id: number,
  text: string,
  likely?: readonly (readonly [number, string, number])[],
];
interface DemoFile extends PackedRecording {
  readonly date: string;
  readonly bits: number;
  readonly headBits: BitWidth;
  readonly gpu: DemoRecording['gpu'];
  readonly files: TargetResult['files'];
  readonly model: ModelFacts;
  readonly prompt: string;
  readonly texts: Readonly<Record<'original' | 'quantized', readonly PackedToken[]>>;
}

/** Loads it. Throws when the server does not give it. */
export async function loadDemo(): Promise<DemoRecording> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`The recording did not load: the server says ${response.status}.`);
  return unpackDemo((await response.json()) as DemoFile);
}

export function unpackDemo(file: DemoFile): DemoRecording {
  const { date, gpu, files, prompt, texts } = file;
  const batches = unpackBatches(file);
  const record = recordOf(file, batches);
  const result = recordedResult(record, batches, files);
  return {
    ...{ date, gpu, prompt, record, batches },
    end: { ...record, state: 'done', measured: true, results: [result] },
    texts: { original: textOf(texts.original), quantized: textOf(texts.quantized) },
  };
}

function recordOf({ model, bits, headBits, gpu, date }: DemoFile, batches: readonly Batch[]): JobRecord {
  const options: JobRecord['options'] = {
    ...{ bits: [bits], headBits, quantizer: 'refined', precision: gpu.precision },
    ...{ preset: gpu.software ? 'quick' : 'standard', chooseAfterMeasuring: false },
    ...{ gpuBudgetBytes: gpu.budgetBytes, seed: 0 },
  };
  const created = Date.parse(date);
  const seconds = (batches.at(-1)?.time ?? 0) / 1000;
  const measured = measuredAt(batches) / 1000;
  return {
    ...{ id: 'demo', modelName: model.name, created, changed: created, state: 'running', options, model },
    // As they were; of the two, measuring has the first half.
    times: { measure: measured, target: seconds - measured },
    ...{ sourceGone: false, outputName: '', targets: [{ bits, pinned: {} }], measured: false, results: [] },
  };
}

/** Milliseconds after which the measurement was done. */
const measuredAt = (batches: readonly Batch[]): number =>
  batches.find(({ events }) => events.some((event) => event.type === 'stage' && event.stage === 'quantize'))
    ?.time ?? 0;

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
