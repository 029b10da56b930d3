import { formatDuration } from '../../util/text/duration.ts';
import { plainText } from '../../util/text/plain-text.ts';
import { bitsName } from '../job-places.ts';
import { METRIC_COLUMNS } from '../metric-columns.ts';
import { type Column, tableRow, titleRow } from '../table.ts';
import type { OriginalResult, Result, Seconds } from './result.ts';

const ORIGINAL = 'original';
const { perplexity, mean, standardError, agreement } = METRIC_COLUMNS;

const columns = (names: readonly string[]): Column[] => [
  { title: 'bits', width: 5, align: 'right' },
  { title: 'variant', width: Math.max(...[ORIGINAL, ...names].map(({ length }) => length)), align: 'left' },
  mean,
  standardError,
  { title: 'ratio', width: 13, align: 'right' },
  perplexity,
  agreement,
  { title: 'stored', width: 6, align: 'right' },
  { title: 'measured', width: 8, align: 'right' },
  { title: 'converted', width: 9, align: 'right' },
];

/** The table of one model; rows are shown as they come. `names` are those of all rows. */
export class QualityTable {
  readonly #columns: readonly Column[];

  constructor(names: readonly string[]) {
    this.#columns = columns(names);
  }

  /** What is compared on what, the titles, and the original's row. */
  head({ model, rows, length, perplexity }: OriginalResult, text: string): string {
    const original = ['', ORIGINAL, '', '', '', perplexity.toFixed(4)];
    return [
      plainText(`${model}, on ${rows} ${rows === 1 ? 'row' : 'rows'} of ${length} tokens of ${text}`),
      titleRow(this.#columns),
      tableRow(this.#columns, original),
    ].join('\n');
  }

  row({ name, bits, seconds, found, failure }: Result): string {
    const what = [bits === undefined ? '' : bitsName(bits), plainText(name)];
    if (!found) return tableRow(this.#columns, [...what, `failed: ${failure?.split('\n')[0]}`]);
    const { storedBits, measures, ratio } = found;
    return tableRow(this.#columns, [
      ...what,
      mean.show(measures),
      standardError.show(measures),
      ratio === undefined ? '' : withError(ratio.value, ratio.standardError),
      perplexity.show(measures),
      agreement.show(measures),
      storedBits?.toFixed(3) ?? '',
      ...times(seconds),
    ]);
  }
}

const times = ({ measuring, converting }: Seconds): string[] =>
  [measuring, converting].map((time) => (time === undefined ? '' : formatDuration(time)));

const withError = (value: number, error: number | undefined): string =>
  error === undefined ? value.toFixed(3) : `${value.toFixed(3)} ± ${error.toFixed(3)}`;
