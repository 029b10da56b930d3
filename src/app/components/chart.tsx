import type { ComponentChildren } from 'preact';
import { type Axis, linearAxis, logAxis } from '../scales.ts';

const WIDTH = 380;
const HEIGHT = 236;
const PLOT = { left: 46, right: WIDTH - 12, top: 26, bottom: HEIGHT - 40 } as const;

interface AxisOptions {
  readonly range: readonly [number, number];
  readonly label: string;
  readonly format: (value: number) => string;
  readonly logarithmic?: boolean;
  /** Where the numbers stand; missing: at round ones. */
  readonly ticks?: readonly number[];
}

export interface ChartScales {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly plot: typeof PLOT;
}

interface ChartProps {
  /** What is to be seen, for those who can't see it. */
  readonly title: string;
  readonly x: AxisOptions;
  readonly y: AxisOptions;
  readonly children: (scales: ChartScales) => ComponentChildren;
}

/** Axes and grid lines; the marks are drawn by the caller. */
export function Chart({ title, x, y, children }: ChartProps) {
  const xAxis = axisOf(x, [PLOT.left, PLOT.right]);
  const yAxis = axisOf(y, [PLOT.bottom, PLOT.top]);
  return (
    <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={title}>
      {yAxis.ticks.map((tick) => (
        <g key={tick}>
          <line
            class="grid-line"
            x1={PLOT.left}
            x2={PLOT.right}
            y1={yAxis.position(tick)}
            y2={yAxis.position(tick)}
          />
          <text class="tick" x={PLOT.left - 6} y={yAxis.position(tick) + 4} text-anchor="end">
            {y.format(tick)}
          </text>
        </g>
      ))}
      {xAxis.ticks.map((tick) => (
        <text key={tick} class="tick" x={xAxis.position(tick)} y={PLOT.bottom + 16} text-anchor="middle">
          {x.format(tick)}
        </text>
      ))}
      <line class="axis" x1={PLOT.left} x2={PLOT.right} y1={PLOT.bottom} y2={PLOT.bottom} />
      <text class="axis-label" x={PLOT.right} y={HEIGHT - 6} text-anchor="end">
        {x.label}
      </text>
      <text class="axis-label" x={0} y={11}>
        {y.label}
      </text>
      {children({ x: xAxis.position, y: yAxis.position, plot: PLOT })}
    </svg>
  );
}

function axisOf({ range, logarithmic, ticks }: AxisOptions, pixels: readonly [number, number]): Axis {
  const axis = logarithmic ? logAxis(range, pixels) : linearAxis(range, pixels);
  return ticks ? { ...axis, ticks } : axis;
}

/** The points of a line, for `<polyline points>`. */
export const linePoints = (points: readonly (readonly [number, number])[]): string =>
  points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
