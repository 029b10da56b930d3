import { signal, useSignal } from '@preact/signals';
import { proxy } from 'comlink';
import { useEffect, useId } from 'preact/hooks';
import { TRAP_COUNTS } from '../../../learn/data/lesson-facts.ts';
import type { TrapCurve } from '../../../learn/data/trap-data.ts';
import { Chart, linePoints } from '../../components/chart.tsx';
import { formatPercent } from '../../format.ts';
import { failureOf, type Loadable, latestValue } from '../../state/loadable.ts';
import { CARDS } from '../cards.ts';
import { learnApi, workerLost } from '../lesson-state.ts';
import { NoData, Readout } from '../parts/figure.tsx';
import { guessOf } from '../parts/guess.tsx';

const [FIRST, LAST] = [TRAP_COUNTS[0], TRAP_COUNTS.at(-1)!];

/** Computed once, point after point; it stays for the next visit. */
const curve = signal<Loadable<TrapCurve>>({ state: 'idle' });

function computeCurve(): void {
  if (curve.value.state === 'loading' || curve.value.state === 'ready') return;
  curve.value = { state: 'loading' };
  const take = (next: TrapCurve) => {
    const whole = next.points.length === TRAP_COUNTS.length;
    curve.value = whole ? { state: 'ready', value: next } : { state: 'loading', before: next };
  };
  learnApi()
    .trap(proxy(take))
    .catch((error) => {
      curve.value = { state: 'failed', failure: failureOf(error) };
    });
}

/** Error on the text that was seen and on other text, against the tokens that were seen. */
export function TrapFigure() {
  useEffect(computeCurve, []);
  const found = latestValue(curve.value);
  if (workerLost.value || curve.value.state === 'failed') return <NoData why={curve.value} />;
  if (!found) return <p class="note figure-wait">Reading the calibration stories…</p>;
  return <Trap found={found} />;
}

function Trap({ found }: { found: TrapCurve }) {
  const id = useId();
  const chosen = useSignal(0);
  const guessed = guessOf(CARDS[4]!).value !== undefined;
  const shown = guessed ? found.points : found.points.slice(0, 1);
  const point = shown[Math.min(chosen.value, shown.length - 1)]!;
  return (
    <>
      <TrapChart curve={{ ...found, points: shown }} tokens={point.tokens} />
      <div class="readouts">
        <Readout value={String(point.tokens)} label="calibration tokens" />
        <Readout side="one" value={`${formatPercent(point.seen)} %`} label="error on that text" />
        <Readout side="other" value={`${formatPercent(point.unseen)} %`} label="on unseen stories" />
        <Readout value={`${formatPercent(found.rounding)} %`} label="only rounded, unseen" />
      </div>
      <label for={id} class="note">
        {guessed ? 'Calibration tokens' : 'Guess first: then there is more text.'}
      </label>
      <input
        id={id}
        type="range"
        min={0}
        max={shown.length - 1}
        disabled={!guessed}
        value={Math.min(chosen.value, shown.length - 1)}
        aria-valuetext={`${point.tokens} tokens`}
        onInput={(event) => {
          chosen.value = event.currentTarget.valueAsNumber;
        }}
      />
      {guessed && found.points.length < TRAP_COUNTS.length && (
        <p class="note" role="status">
          Computing: {found.points.length} of {TRAP_COUNTS.length} points.
        </p>
      )}
    </>
  );
}

function TrapChart({ curve: { rounding, points }, tokens }: { curve: TrapCurve; tokens: number }) {
  const last = points.at(-1)!;
  return (
    <Chart
      title={`Output error against calibration tokens: on that text ${formatPercent(points[0]!.seen)} to ${formatPercent(last.seen)} %, on unseen stories ${formatPercent(points[0]!.unseen)} to ${formatPercent(last.unseen)} %, only rounded ${formatPercent(rounding)} %`}
      x={{
        range: [FIRST * 0.8, LAST * 1.25],
        label: 'calibration tokens',
        format: String,
        logarithmic: true,
      }}
      y={{
        range: [0, rounding * 1.15],
        label: 'output error, %',
        format: (value) => String(Math.round(value * 100)),
      }}
    >
      {({ x, y, plot }) => (
        <>
          <line class="rounding-line" x1={plot.left} x2={plot.right} y1={y(rounding)} y2={y(rounding)} />
          <text x={plot.right} y={y(rounding) - 4} text-anchor="end">
            only rounded
          </text>
          <line class="target-line" x1={x(tokens)} x2={x(tokens)} y1={plot.top} y2={plot.bottom} />
          {(['seen', 'unseen'] as const).map((which) => (
            <g key={which} class={which === 'seen' ? 'one' : 'other'}>
              <polyline points={linePoints(points.map((point) => [x(point.tokens), y(point[which])]))} />
              {points.map((point) => (
                <circle
                  key={point.tokens}
                  cx={x(point.tokens)}
                  cy={y(point[which])}
                  r={point.tokens === tokens ? 3.5 : 1.8}
                />
              ))}
              <text x={x(points[0]!.tokens) + 8} y={y(points[0]![which]) + (which === 'seen' ? 11 : -6)}>
                {which === 'seen' ? 'on that text' : 'on unseen stories'}
              </text>
            </g>
          ))}
        </>
      )}
    </Chart>
  );
}
