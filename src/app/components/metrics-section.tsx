import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import type { Metrics } from '../../evaluate/metrics.ts';
import { formatBits, formatDivergence, formatPercent } from '../format.ts';
import { go } from '../state/route.ts';
import { Term } from './term.tsx';

interface MetricsSectionProps {
  readonly record: JobRecord;
  readonly shown: TargetResult;
  readonly recorded: boolean;
}

/** What quantization cost, by text that was kept out of the calibration. */
export function MetricsSection({ record, shown, recorded }: MetricsSectionProps) {
  const { results } = record;
  const metrics = results.flatMap(({ evaluation }) => evaluation ?? []);
  return (
    <section aria-labelledby="metrics">
      <h2 id="metrics">Beside the original, on text that was not used for calibration</h2>
      {metrics[0] ? (
        <>
          <MetricsTable results={results} shown={shown} />
          <p class="note">
            Over <span class="number">{(metrics[0].rows * metrics[0].length).toLocaleString('en')}</span>{' '}
            tokens.
            {results.length === 1 && !recorded && (
              <>
                {' '}
                <button type="button" class="link" onClick={() => go({ screen: 'choose', id: record.id })}>
                  Another bitrate
                </button>{' '}
                would show what more or fewer bits change; nothing is measured again for it.
              </>
            )}
          </p>
        </>
      ) : (
        <p>{NOT_COMPARED}</p>
      )}
    </section>
  );
}

const NOT_COMPARED = 'Not compared: that needed more GPU memory than the conversion was allowed.';

function MetricsTable({ results, shown }: { results: readonly TargetResult[]; shown: TargetResult }) {
  return (
    <div class="table-box">
      <table class="figures metrics">
        <MetricsHead />
        <tbody>
          {results.map((result) => (
            <tr key={result.bits} class={result === shown && results.length > 1 ? 'shown' : undefined}>
              <th scope="row">{formatBits(result.bits)} bpw</th>
              {result.evaluation ? (
                <MetricCells metrics={result.evaluation} />
              ) : (
                <td class="words" colSpan={5}>
                  {NOT_COMPARED}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function MetricsHead() {
  return (
    <thead>
      <tr>
        <th scope="col" rowSpan={2}>
          Model
        </th>
        <th scope="col" rowSpan={2}>
          <Term of="perplexity" />
        </th>
        <th scope="colgroup" colSpan={3}>
          <Term of="KL divergence" />
        </th>
        <th scope="col" rowSpan={2}>
          <Term of="top-1 agreement">same top-1</Term>
        </th>
      </tr>
      <tr>
        <th scope="col">mean</th>
        <th scope="col">median</th>
        <th scope="col">
          <Term of="99th percentile">99 %</Term>
        </th>
      </tr>
    </thead>
  );
}

function MetricCells({ metrics: { perplexity, divergence, agreement } }: { metrics: Metrics }) {
  return (
    <>
      <td class="change">
        {perplexity.reference.toFixed(3)} → {perplexity.model.toFixed(3)}
      </td>
      <td>{formatDivergence(divergence.mean)}</td>
      <td>{formatDivergence(divergence.median)}</td>
      <td>{formatDivergence(divergence.p99)}</td>
      <td>{formatPercent(agreement)} %</td>
    </>
  );
}
