import type { Metrics } from '../../evaluate/metrics.ts';
import { formatByteSize } from '../../util/text/byte-size.ts';
import { plainText } from '../../util/text/plain-text.ts';
import { shortName } from '../../util/text/short-name.ts';
import { METRIC_COLUMNS } from '../metric-columns.ts';
import { type Column, tableRow, titleRow } from '../table.ts';

/** One model's result. */
export interface Evaluation {
  readonly name: string;
  /** Asked for, of an EXL2 model. */
  readonly bits: number | undefined;
  /** Of the weight files. */
  readonly bytes: number;
  readonly measures: Metrics;
  readonly seconds: number;
}

const { perplexity, mean, standardError, median, p99, agreement } = METRIC_COLUMNS;
const MEASURED = [perplexity, mean, standardError, median, p99, agreement];

const COLUMNS: readonly Column[] = [
  { title: 'model', width: 28, align: 'left' },
  { title: 'bits', width: 5, align: 'right' },
  { title: 'size', width: 9, align: 'right' },
  ...MEASURED,
  { title: 'seconds', width: 7, align: 'right' },
];

/** What was measured on, the original's perplexity, and the titles. */
export function evaluationTitle({ measures }: Evaluation): string {
  const { rows, length, perplexity } = measures;
  return `${rows} rows of ${length} tokens; perplexity of the original ${perplexity.reference.toFixed(4)}\n${titleRow(COLUMNS)}\n`;
}

export function evaluationRow({ name, bits, bytes, measures, seconds }: Evaluation): string {
  return tableRow(COLUMNS, [
    plainText(shortName(name)),
    bits === undefined ? '' : String(bits),
    formatByteSize(bytes),
    ...MEASURED.map(({ show }) => show(measures)),
    seconds.toFixed(1),
  ]);
}
