import type { ModuleFacts } from '../../../workers/api/model.ts';
import { formatBits, formatPercent } from '../format.ts';
import { moduleTitle } from '../module-words.ts';
import { type ModuleView, type Trial, trialNow } from '../state/job-view.ts';
import { Chart, linePoints } from './chart.tsx';
import { Term } from './term.tsx';

interface ModuleChartProps {
  readonly module: ModuleFacts;
  readonly view: ModuleView;
  readonly bits: number;
  /** Clicking a point chooses its candidate. */
  readonly onCandidate?: (candidate: number) => void;
}

/** Error against bits of a module's candidates; the one that it takes is marked. */
export function ModuleChart({ module, view, bits, onCandidate }: ModuleChartProps) {
  const trials = view.trials.filter((trial) => trial !== undefined);
  const chosen = trialNow(view);
  const title = chosen
    ? `Error against bits of ${moduleTitle(module)}: it takes ${formatBits(chosen.bitsPerWeight)} bpw with ${formatPercent(chosen.error)} % error promised${view.rfnError === undefined ? '' : `, ${formatPercent(view.rfnError)} % come out`}`
    : `Error against bits of ${moduleTitle(module)}`;
  const [least, most] = errorRange(trials);
  return (
    <figure>
      <Chart
        title={title}
        x={{ range: [2, 8.6], label: 'bits per weight', format: String }}
        y={{ range: [least, most], label: 'error, %', format: formatTick, logarithmic: true }}
      >
        {({ x, y, plot }) => (
          <>
            <line class="target-line" x1={x(bits)} x2={x(bits)} y1={plot.top} y2={plot.bottom} />
            <polyline
              class="curve"
              points={linePoints(
                trialFrontier(trials).map(({ bitsPerWeight, error }) => [x(bitsPerWeight), y(error)]),
              )}
            />
            {chosen && view.rfnError !== undefined && (
              <g class="outcome">
                <line
                  x1={x(chosen.bitsPerWeight)}
                  x2={x(chosen.bitsPerWeight)}
                  y1={y(chosen.error)}
                  y2={y(view.rfnError)}
                />
                <path d={diamond(x(chosen.bitsPerWeight), y(view.rfnError))}>
                  <title>{`came out: error ${formatPercent(view.rfnError)} %`}</title>
                </path>
              </g>
            )}
            {chosenLast(trials, chosen).map((trial) => (
              // biome-ignore lint/a11y/noStaticElementInteractions: as above
              <circle
                key={trial.candidate}
                class={trial.candidate === chosen?.candidate ? 'point chosen' : 'point'}
                cx={x(trial.bitsPerWeight)}
                cy={y(trial.error)}
                r={trial.candidate === chosen?.candidate ? 5.5 : 3.5}
                onClick={onCandidate && (() => onCandidate(trial.candidate))}
              >
                <title>{`${formatBits(trial.bitsPerWeight)} bpw, error ${formatPercent(trial.error)} %`}</title>
              </circle>
            ))}
          </>
        )}
      </Chart>
      <figcaption class="note">
        {trials.length === 0 ? (
          'Nothing of this module is measured yet.'
        ) : (
          <>
            <span class="number">{trials.length}</span> <Term of="candidate">candidates</Term>
            {chosen && (
              <>
                ; takes <span class="number">{formatBits(chosen.bitsPerWeight)}</span> bpw:{' '}
                <Term of="promise">promised</Term> <Term of="error">error</Term>{' '}
                <span class="number">{formatPercent(chosen.error)}</span> %
                {view.rfnError !== undefined && (
                  <>
                    , <Term of="outcome">came out</Term> at{' '}
                    <span class="number">{formatPercent(view.rfnError)}</span> %
                  </>
                )}
              </>
            )}
          </>
        )}
      </figcaption>
    </figure>
  );
}

/** What is drawn last is on top. */
const chosenLast = (trials: readonly Trial[], chosen: Trial | undefined): Trial[] =>
  trials.toSorted(
    (a, b) => Number(a.candidate === chosen?.candidate) - Number(b.candidate === chosen?.candidate),
  );

const diamond = (x: number, y: number): string => `M${x} ${y - 6}l6 6l-6 6l-6-6z`;

const formatTick = (error: number): string => String(Number((error * 100).toPrecision(1)));

/** Candidates that no other one beats in both bits and error, from small to large. */
export function trialFrontier(trials: readonly Trial[]): Trial[] {
  const best: Trial[] = [];
  for (const trial of [...trials].sort((a, b) => a.bitsPerWeight - b.bitsPerWeight)) {
    if (trial.error < (best.at(-1)?.error ?? Number.POSITIVE_INFINITY)) best.push(trial);
  }
  return best;
}

function errorRange(trials: readonly Trial[]): [number, number] {
  const errors = trials.map(({ error }) => Math.max(1e-6, error));
  // The usual range, so that modules can be compared, and wider where one needs it.
  return [Math.min(0.001, ...errors), Math.max(0.3, ...errors)];
}
