import type { Metrics } from '../evaluate/metrics.ts';
import type { Column } from './table.ts';

/** A column of a table, and what it shows of an evaluation. */
export interface MetricColumn extends Column {
  readonly show: (metrics: Metrics) => string;
}

const right = (title: string, width: number, show: MetricColumn['show']): MetricColumn => ({
  ...{ title, width, show },
  align: 'right',
});

/** What tables of evaluations show, each figure in one way. */
export const METRIC_COLUMNS = {
  perplexity: right('perplexity', 10, ({ perplexity }) => perplexity.model.toFixed(4)),
  mean: right('KL mean', 8, ({ divergence }) => divergence.mean.toFixed(5)),
  standardError: right('±', 7, ({ divergence }) => divergence.standardError?.toFixed(5) ?? ''),
  median: right('median', 8, ({ divergence }) => divergence.median.toFixed(5)),
  p99: right('99 %', 8, ({ divergence }) => divergence.p99.toFixed(5)),
  agreement: right('top-1', 7, ({ agreement }) => `${(agreement * 100).toFixed(2)} %`),
} as const;
