import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import type { ModuleFacts } from '../../../workers/api/model.ts';
import { formatPercent } from '../format.ts';
import { capitalized, moduleTitle } from '../module-words.ts';
import { Chart, type ChartScales } from './chart.tsx';
import { Term } from './term.tsx';

interface PromiseChartProps {
  readonly record: JobRecord;
  readonly result: TargetResult;
}

interface Pair {
  readonly module: ModuleFacts;
  readonly promise: number;
  readonly outcome: number;
}

/** Each module's error: as it was measured alone, and as it came out behind the quantized modules before it. */
export function PromiseChart({ record, result }: PromiseChartProps) {
  const pairs = pairsOf(record, result);
  if (pairs.length === 0) return null;
  const most = Math.max(...pairs.flatMap(({ promise, outcome }) => [promise, outcome]));
  const above = pairs.filter(({ promise, outcome }) => outcome > promise).length;
  const perModule = record.model.modules.length / record.model.layers;
  return (
    <section class="panel" aria-labelledby="promise">
      <h2 id="promise">Promise and outcome of each module</h2>
      <figure>
        <Chart
          title={`Error of ${pairs.length} modules, promised and come out: in ${above} the outcome is above the promise; the largest is ${formatPercent(most)} %`}
          x={{
            range: [0, pairs.length],
            label: 'layer',
            format: (value) => String(value / perModule),
            ticks: layerTicks(record.model.layers, perModule),
          }}
          y={{
            range: [0, most * 1.05],
            label: 'error, %',
            format: (error) => String(Number((error * 100).toPrecision(2))),
          }}
        >
          {(scales) =>
            pairs.map((pair, i) => <PairBar key={pair.module.key} pair={pair} at={i} {...scales} />)
          }
        </Chart>
        <figcaption class="note">
          Bar: the <Term of="error" /> that came out, attention and MLP of each layer in turn. Line: what
          measuring had promised. Each module was measured on the original’s states and quantized on those of
          the quantized modules before it, with more text: so the two differ.
        </figcaption>
      </figure>
    </section>
  );
}

function PairBar({
  pair: { module, promise, outcome },
  at,
  x,
  y,
  plot,
}: ChartScales & { pair: Pair; at: number }) {
  const [left, right] = [x(at), x(at + 1)];
  const gap = Math.min(2, (right - left) / 5);
  const title = `${capitalized(moduleTitle(module))}: promised ${formatPercent(promise)} %, came out ${formatPercent(outcome)} %`;
  return (
    <g>
      <title>{title}</title>
      <rect
        class="outcome-bar"
        x={left + gap}
        width={right - left - 2 * gap}
        y={y(outcome)}
        height={plot.bottom - y(outcome)}
      />
      <line class="promise-mark" x1={left} x2={right} y1={y(promise)} y2={y(promise)} />
    </g>
  );
}

/** A number for every layer, or for round ones where there are many. */
function layerTicks(layers: number, perModule: number): number[] {
  const step = [1, 2, 5, 10, 20].find((each) => layers / each <= 10) ?? 50;
  return Array.from({ length: Math.ceil(layers / step) }, (_, i) => i * step * perModule);
}

const pairsOf = ({ model }: JobRecord, { allocation, rfnErrors }: TargetResult): Pair[] =>
  model.modules.flatMap((module) => {
    const promise = allocation.modules.find(({ key }) => key === module.key)?.error;
    const outcome = rfnErrors[module.key];
    return promise === undefined || outcome === undefined ? [] : [{ module, promise, outcome }];
  });
