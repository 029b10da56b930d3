import { formatBits, formatBytes, formatRoundBytes } from '../format.ts';
import { type Curve, type CurvePoint, elbow } from '../state/allocation-choice.ts';
import { Chart, linePoints } from './chart.tsx';
import { Term } from './term.tsx';

interface ErrorCurveProps {
  readonly curve: Curve;
  /** What is chosen now. */
  readonly now: CurvePoint | undefined;
}

/** Total error against the output's size; where it bends is marked. */
export function ErrorCurve({ curve: { points, complete }, now }: ErrorCurveProps) {
  const all = [...points, ...(now ? [now] : [])].sort((a, b) => a.bytes - b.bytes);
  const [first, last] = [all[0], all.at(-1)];
  if (!first || !last || first === last) return <p class="note">The curve is being computed…</p>;
  const bend = complete ? elbow(points) : undefined;
  const sizes = [first.bytes, last.bytes] as const;
  const most = Math.max(...all.map(({ error }) => error));
  const title = now
    ? `Total error against size: ${now.error.toFixed(2)} at ${formatBytes(now.bytes)}`
    : 'Total error against size';
  return (
    <figure>
      <Chart
        title={title}
        x={{ range: sizes, label: 'size of the output', format: formatRoundBytes }}
        y={{
          range: [0, most * 1.05],
          label: 'total error',
          format: (error) => String(Number(error.toPrecision(2))),
        }}
      >
        {({ x, y, plot }) => (
          <>
            <polyline
              class="curve"
              points={linePoints(all.map(({ bytes, error }) => [x(bytes), y(error)]))}
            />
            {bend && (
              <g class="bend">
                <line x1={x(bend.bytes)} x2={x(bend.bytes)} y1={y(bend.error) - 8} y2={plot.bottom} />
                <text x={x(bend.bytes) + 6} y={y(bend.error) - 14}>
                  elbow, {formatBits(bend.bits)} bpw
                </text>
              </g>
            )}
            {now && <circle class="point chosen" cx={x(now.bytes)} cy={y(now.error)} r={5.5} />}
          </>
        )}
      </Chart>
      <figcaption class="note">
        <Term of="total error" /> against size; at the <Term of="elbow" /> more bits begin to buy little.
      </figcaption>
    </figure>
  );
}
