/** What a result comes to, in figures that are the same wherever they stand. */

import type { JobRecord, TargetResult } from '../../workers/api/jobs.ts';
import { formatBits, formatBytes, formatPercent } from './format.ts';

/** Never at the beginning of a line. */
const PERCENT = '\u00a0%';

/** Bytes of the weight files: what sizes mean on the page, of originals and outputs alike. */
export const weightBytes = ({ files }: Pick<TargetResult, 'files'>): number =>
  files.reduce((sum, { path, size }) => sum + (path.endsWith('.safetensors') ? size : 0), 0);

/** `13.6 MB became 5.41 MB, 2.5 times smaller.` */
export function sizeWords({ model }: JobRecord, result: TargetResult): string {
  const bytes = weightBytes(result);
  const times = model.bytes / bytes;
  // A small model can grow: one that had no head of its own gets one.
  const smaller = times > 1.05 ? `, ${times.toFixed(1)} times smaller` : '';
  return `${formatBytes(model.bytes)} became ${formatBytes(bytes)}${smaller}.`;
}

/** `2.2 % higher`, of numbers that change little; `as before`. */
export function changeWords(from: number, to: number): string {
  const change = to / from - 1;
  if (Math.abs(change) < 0.0005) return 'as before';
  return `${Number((100 * Math.abs(change)).toPrecision(2))}${PERCENT} ${change > 0 ? 'higher' : 'lower'}`;
}

/** What it cost on text that was kept out, in a sentence; undefined where that was not compared. */
export function costWords({ evaluation }: TargetResult): string | undefined {
  if (!evaluation) return undefined;
  const { perplexity, agreement } = evaluation;
  const change = changeWords(perplexity.reference, perplexity.model);
  return `On text kept out of the calibration its perplexity is ${change}, and its first choice for the next token is the original’s at ${formatPercent(agreement)}${PERCENT} of the places.`;
}

/** Size and cost in one text that is true by itself, to be passed on. */
export function shareWords(record: JobRecord, result: TargetResult): string {
  const head = `${record.modelName} in EXL2 at ${formatBits(result.bitsPerWeight)} bits per weight: ${sizeWords(record, result)}`;
  return [head, costWords(result), 'Quantized in the browser with exl2-web.'].filter(Boolean).join(' ');
}
