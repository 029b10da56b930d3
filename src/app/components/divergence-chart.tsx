import type { TargetResult } from '../../../workers/api/jobs.ts';
import { formatBits, formatDivergence } from '../format.ts';
import { logRange } from '../scales.ts';
import { Chart, linePoints } from './chart.tsx';
import { Term } from './term.tsx';

interface DivergenceChartProps {
  readonly results: readonly TargetResult[];
  readonly shown: TargetResult;
}

/** Below it is rounding, which may even be negative; a logarithmic axis has no place for it. */
const LEAST = 1e-9;

/** KL divergence against bits of all bitrates of a measurement; the one that is shown is marked. */
export function DivergenceChart({ results, shown }: DivergenceChartProps) {
  const points = results
    .flatMap(({ bits, bitsPerWeight, evaluation }) =>
      evaluation ? [{ bits, bitsPerWeight, divergence: Math.max(LEAST, evaluation.divergence.mean) }] : [],
    )
    .sort((a, b) => a.bitsPerWeight - b.bitsPerWeight);
  if (points.length < 2) return null;
  const words = points.map(
    ({ bits, divergence }) => `${formatBits(bits)} bpw: ${formatDivergence(divergence)}`,
  );
  return (
    <section class="panel" aria-labelledby="divergence">
      <h2 id="divergence">KL divergence against bits</h2>
      <figure>
        <Chart
          title={`Mean KL divergence against bits per weight; ${words.join(', ')}`}
          x={{ range: [2, 8.6], label: 'bits per weight', format: String }}
          y={{
            range: logRange(points.map(({ divergence }) => divergence)),
            label: 'mean KL divergence, nats',
            format: (value) => String(Number(value.toPrecision(1))),
            logarithmic: true,
          }}
        >
          {({ x, y }) => (
            <>
              <polyline
                class="curve"
                points={linePoints(
                  points.map(({ bitsPerWeight, divergence }) => [x(bitsPerWeight), y(divergence)]),
                )}
              />
              {points.map(({ bits, bitsPerWeight, divergence }, i) => (
                <circle
                  key={bits}
                  class={bits === shown.bits ? 'point chosen' : 'point'}
                  cx={x(bitsPerWeight)}
                  cy={y(divergence)}
                  r={bits === shown.bits ? 5.5 : 3.5}
                >
                  <title>{words[i]}</title>
                </circle>
              ))}
            </>
          )}
        </Chart>
        <figcaption class="note">
          <Term of="KL divergence" /> from the original, of every bitrate made from this measurement; filled:{' '}
          <span class="number">{formatBits(shown.bits)}</span> bpw
        </figcaption>
      </figure>
    </section>
  );
}
