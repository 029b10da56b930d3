import type { Measures } from '../../evaluate/measures.ts';
import { formatByteSize } from '../../util/byte-size.ts';
import { plainText } from '../../util/plain-text.ts';
import { shortName } from '../../util/short-name.ts';
import { type Column, tableRow, titleRow } from '../table.ts';

/** One model's result. */
export interface Evaluation {
  readonly name: string;
  /** Asked for, of an EXL2 model. */
  readonly bits: number | undefined;
  /** Of the weight files. */
  readonly bytes: number;
  readonly measures: Measures;
  readonly seconds: number;
}

const COLUMNS: readonly Column[] = [
  { title: 'model', width: 28, align: 'left' },
  { title: 'bits', width: 5, align: 'right' },
  { title: 'size', width: 9, align: 'right' },
  { title: 'perplexity', width: 10, align: 'right' },
  { title: 'KL mean', width: 8, align: 'right' },
  { title: '±', width: 7, align: 'right' },
  { title: 'median', width: 8, align: 'right' },
  { title: '99 %', width: 8, align: 'right' },
  { title: 'top-1', width: 7, align: 'right' },
  { title: 'seconds', width: 7, align: 'right' },
];

/** What was measured on, the original's perplexity, and the titles. */
export function evaluationTitle({ measures }: Evaluation): string {
  const { rows, length, perplexity } = measures;
  return `${rows} rows of ${length} tokens; perplexity of the original ${perplexity.reference.toFixed(4)}\n${titleRow(COLUMNS)}\n`;
}

export function evaluationRow({ name, bits, bytes, measures, seconds }: Evaluation): string {
  const { perplexity, divergence, agreement } = measures;
  return tableRow(COLUMNS, [
    plainText(shortName(name)),
    bits === undefined ? '' : String(bits),
    formatByteSize(bytes),
    perplexity.model.toFixed(4),
    divergence.mean.toFixed(5),
    divergence.standardError?.toFixed(5) ?? '',
    ...[divergence.median, divergence.p99].map((value) => value.toFixed(5)),
    `${(agreement * 100).toFixed(2)} %`,
    seconds.toFixed(1),
  ]);
}
