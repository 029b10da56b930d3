import { useSignal } from '@preact/signals';
import type { ModuleFacts } from '../../../workers/api/model.ts';
import { formatCount, formatPercent } from '../format.ts';
import { linearTitle } from '../module-words.ts';
import { logRange } from '../scales.ts';
import { type ExpertView, expertViews } from '../state/expert-view.ts';
import type { ModuleView } from '../state/job-view.ts';
import { Chart } from './chart.tsx';
import { ExpertTable } from './expert-table.tsx';
import { Term } from './term.tsx';

interface ExpertChartProps {
  readonly module: ModuleFacts;
  readonly view: ModuleView;
}

/** How errors and calibration tokens spread over a layer's experts, a dot each; all numbers on demand. */
export function ExpertChart({ module, view }: ExpertChartProps) {
  const { linears } = module;
  const wanted = useSignal('');
  const experts = expertViews(module, view);
  if (experts.length === 0) return null;
  // The last, which is down, depends most on the expert's own tokens: the others share the layer's Hessian.
  const { name } = linears.find((linear) => linear.name === wanted.value) ?? linears.at(-1)!;
  return (
    <div class="experts">
      <div class="row">
        <label for="expert-linear">
          <Term of="expert">Experts</Term>: error of
        </label>
        <select
          id="expert-linear"
          value={name}
          onChange={(event) => {
            wanted.value = event.currentTarget.value;
          }}
        >
          {linears.map((linear) => (
            <option key={linear.name} value={linear.name}>
              {linearTitle(linear)}
            </option>
          ))}
        </select>
      </div>
      <ExpertDots dots={dotsOf(experts, name)} experts={experts.length} />
      <ExpertTable module={module} experts={experts} />
    </div>
  );
}

interface Dot {
  readonly expert: number;
  readonly tokens: number;
  readonly error: number;
}

const dotsOf = (experts: readonly ExpertView[], name: string): Dot[] =>
  experts.flatMap(({ expert, tokens, errors }) => {
    const error = errors[name];
    return tokens === undefined || error === undefined ? [] : [{ expert, tokens, error }];
  });

function ExpertDots({ dots, experts }: { dots: readonly Dot[]; experts: number }) {
  // Without an error is what no token reaches: a logarithmic axis has no place for it.
  const placed = dots.filter(({ error }) => error > 0);
  if (placed.length === 0) return <p class="note">Its first experts are being quantized.</p>;
  const count = dots.length < experts ? `${dots.length} of ${experts}` : String(experts);
  const tokens = dots.map((dot) => dot.tokens);
  const tokenSpread = spread(tokens, formatCount);
  const errors = placed.map((dot) => dot.error);
  const errorSpread = spread(errors, formatPercent);
  return (
    <figure>
      <Chart
        title={`Error against calibration tokens of ${count} experts: ${tokenSpread} tokens, error ${errorSpread} %`}
        x={{ range: [0, 1.05 * Math.max(...tokens, 1)], label: 'calibration tokens', format: String }}
        y={{ range: logRange(errors), label: 'error, %', format: formatTick, logarithmic: true }}
      >
        {({ x, y }) =>
          placed.map((dot) => (
            <circle key={dot.expert} class="point" cx={x(dot.tokens)} cy={y(dot.error)} r={3}>
              <title>{`expert ${dot.expert}: ${dot.tokens} tokens, error ${formatPercent(dot.error)} %`}</title>
            </circle>
          ))
        }
      </Chart>
      <figcaption class="note">
        <span class="number">{count}</span> experts: <span class="number">{tokenSpread}</span> calibration
        tokens, <Term of="error">error</Term> <span class="number">{errorSpread}</span> %
      </figcaption>
    </figure>
  );
}

const formatTick = (error: number): string => String(Number((error * 100).toPrecision(1)));

/** `1.20 K to 5.60 K`. */
const spread = (values: readonly number[], format: (value: number) => string): string =>
  `${format(Math.min(...values))} to ${format(Math.max(...values))}`;
