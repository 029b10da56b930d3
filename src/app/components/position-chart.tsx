import type { Metrics } from '../../evaluate/metrics.ts';
import { formatDivergence } from '../format.ts';
import { Chart } from './chart.tsx';
import { Term } from './term.tsx';

/** KL divergence by how much text stands before the token. */
export function PositionChart({ metrics: { byPosition } }: { metrics: Metrics }) {
  if (byPosition.length < 2) return null;
  const most = Math.max(...byPosition.map(({ divergence }) => divergence));
  const words = byPosition.map(
    ({ first, last, divergence }) => `${rangeWords(first, last)} before: ${formatDivergence(divergence)}`,
  );
  return (
    <section class="panel" aria-labelledby="position">
      <h2 id="position">Divergence by position</h2>
      <figure>
        <Chart
          title={`Mean KL divergence by the number of tokens before; ${words.join(', ')}`}
          x={{
            range: [0, byPosition.length],
            label: 'tokens before',
            format: (value) => String(byPosition[value]?.first ?? ''),
            ticks: byPosition.map((_, i) => i),
          }}
          y={{
            range: [0, most * 1.05],
            label: 'mean KL divergence, nats',
            format: (value) => String(Number(value.toPrecision(2))),
          }}
        >
          {({ x, y, plot }) =>
            byPosition.map(({ first, divergence }, i) => (
              <rect
                key={first}
                class="outcome-bar"
                x={x(i) + 2}
                width={x(i + 1) - x(i) - 4}
                y={y(Math.max(0, divergence))}
                height={plot.bottom - y(Math.max(0, divergence))}
              >
                <title>{words[i]}</title>
              </rect>
            ))
          }
        </Chart>
        <figcaption class="note">
          Mean <Term of="KL divergence" /> of the tokens with so many before them; each bar begins at its
          number and ends before the next.
        </figcaption>
      </figure>
    </section>
  );
}

const rangeWords = (first: number, last: number): string =>
  first === last ? `${first} tokens` : `${first} to ${last} tokens`;
