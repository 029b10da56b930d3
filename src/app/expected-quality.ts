/** What a bitrate can be expected to cost, before anything is measured. */

import type { JobRecord, TargetResult } from '../../workers/api/jobs.ts';
import type { ModelFacts } from '../../workers/api/model.ts';

interface Level {
  /** Bits per weight from which on it holds. */
  readonly from: number;
  readonly words: string;
}

/**
 * By what SmolLM2-135M-Instruct lost here on text unlike its calibration's (README, “Measured”): a KL divergence of
 * 1.1 nats at 2.5 bits, 0.58 at 3, 0.27 at 3.5, 0.13 at 4, 0.034 at 5 and 0.010 at 6.
 */
const LEVELS: readonly Level[] = [
  { from: 5.5, words: 'hardly to be told from the original' },
  { from: 4.75, words: 'very close to the original' },
  { from: 3.75, words: 'close to the original' },
  { from: 3.25, words: 'somewhat weaker than the original' },
  { from: 2.75, words: 'clearly weaker than the original' },
  { from: 0, words: 'much weaker, may lose the thread' },
];

export const expectedQuality = (bits: number): string =>
  LEVELS.find(({ from }) => bits >= from - 1e-9)!.words;

/** What earlier conversions made of the same model, one for each bitrate, from small to large. */
export function madeOf(model: ModelFacts, records: readonly JobRecord[]): TargetResult[] {
  const made = new Map<number, TargetResult>();
  for (const record of records) {
    if (!isSameModel(record.model, model)) continue;
    for (const result of record.results) made.set(result.bits, result);
  }
  return [...made.values()].sort((a, b) => a.bits - b.bits);
}

/** As far as can be told from what is shown of it. */
const isSameModel = (a: ModelFacts, b: ModelFacts): boolean =>
  a.name === b.name && a.parameters === b.parameters && a.bytes === b.bytes;
