import { type Signal, useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { BitWidth } from '../../../exl2/params.ts';
import { LESSON_BITS, LESSON_COLUMN, LESSON_GROUP, LESSON_LINEAR } from '../../../learn/data/lesson-facts.ts';
import { packedWords } from '../../../learn/data/packed.ts';
import { type SweepData, type SweepState, sweepAt } from '../../../learn/data/sweep-data.ts';
import { linePoints } from '../../components/chart.tsx';
import { formatPercent } from '../../format.ts';
import { lessonText, useLesson } from '../lesson-state.ts';
import { Loaded, Readout, Segments } from '../parts/figure.tsx';
import { HeatMap } from '../parts/heat-map.tsx';
import { Player } from '../parts/player.tsx';

const WIDTHS: readonly BitWidth[] = [2, 3, 4];

/** The same columns twice, row by row: only rounded, and with later rows making up for it. */
export function SweepFigure() {
  const bits = useSignal<BitWidth>(LESSON_BITS);
  const actOrder = useSignal(false);
  const text = lessonText.value;
  const answer = useLesson(
    async (api) => {
      const shared = { bits: bits.value, groupSize: LESSON_GROUP };
      const plain = await api.sweep(text, { ...shared, compensate: false, actOrder: actOrder.value });
      return [
        plain,
        await api.sweep(text, { ...shared, compensate: true, actOrder: actOrder.value }),
      ] as const;
    },
    [text, bits.value, actOrder.value],
  );
  const position = useSignal(0);
  return (
    <>
      <Loaded of={answer.value}>
        {([plain, compensated]) => <Sweeps plain={plain} compensated={compensated} position={position} />}
      </Loaded>
      <div class="row controls">
        <Segments
          label="Bits"
          options={WIDTHS}
          value={bits.value}
          onChange={(value) => {
            bits.value = value as BitWidth;
          }}
        />
        <label class="option">
          <input
            type="checkbox"
            checked={actOrder.value}
            onChange={(event) => {
              actOrder.value = event.currentTarget.checked;
            }}
          />
          Act-order: loudest inputs first
        </label>
      </div>
    </>
  );
}

interface SweepsProps {
  readonly plain: SweepData;
  readonly compensated: SweepData;
  /** Rows that are done. */
  readonly position: Signal<number>;
}

function Sweeps({ plain, compensated, position }: SweepsProps) {
  const done = position.value;
  const [before, after] = [useSweep(plain, done), useSweep(compensated, done)];
  return (
    <>
      <div class="sweeps">
        <Panel name="Only rounded" side="other" data={plain} state={before} />
        <Panel name="Error passed on" side="one" data={compensated} state={after} />
        <Losses plain={plain} compensated={compensated} done={done} />
      </div>
      <Player what="row" position={position} steps={plain.k} rate={16} />
      <OneWeight data={compensated} state={after} />
    </>
  );
}

/** The columns after so many rows; going on from the last state, so that playing takes little. */
function useSweep(data: SweepData, done: number): SweepState {
  const last = useRef<{ readonly of: SweepData; readonly state: SweepState } | undefined>(undefined);
  const from = last.current?.of === data ? last.current.state : undefined;
  const state = from?.done === done ? from : sweepAt(data, done, from);
  last.current = { of: data, state };
  return state;
}

interface PanelProps {
  readonly name: string;
  readonly side: 'one' | 'other';
  readonly data: SweepData;
  readonly state: SweepState;
}

function Panel({ name, side, data, state: { now, done } }: PanelProps) {
  const { weight, k, n } = data;
  const difference = now.map((value, i) => value - weight[i]!);
  return (
    <div class="sweep-panel">
      <h3>{name}</h3>
      <div class="sweep-map">
        <HeatMap
          title={`${name}: how far each of ${k} × ${n} weights is from its original after ${done} rows`}
          width={n}
          values={difference}
          limit={meanScale(data)}
        />
        <span class="sweep-column" style={{ left: `${((LESSON_COLUMN + 0.5) / n) * 100}%` }}>
          ▾
        </span>
        <span class="sweep-line" style={{ top: `${(done / k) * 100}%` }} />
      </div>
      <Readout side={side} value={`${formatPercent(data.losses[done]!)} %`} label="output error" />
    </div>
  );
}

const meanScale = ({ scales }: SweepData): number => scales.reduce((a, b) => a + b, 0) / scales.length;

/** Output error against rows that are done. */
function Losses({ plain, compensated, done }: Record<'plain' | 'compensated', SweepData> & { done: number }) {
  const { k } = plain;
  const most = Math.max(...plain.losses, ...compensated.losses);
  const line = ({ losses }: SweepData) =>
    linePoints(
      Array.from(losses.subarray(0, done + 1), (loss, row) => [(row / k) * 100, 100 - (loss / most) * 96]),
    );
  return (
    <figure class="losses">
      <figcaption>Output error by rows</figcaption>
      <svg
        viewBox="0 0 100 100"
        preserveAspectRatio="none"
        role="img"
        aria-label={`Output error against rows: ${formatPercent(plain.losses[done]!)} % only rounded, ${formatPercent(compensated.losses[done]!)} % when it is passed on`}
      >
        <line x1="0" x2="100" y1="100" y2="100" />
        <line x1="0" x2="0" y1="0" y2="100" />
        <polyline class="other" points={line(plain)} />
        <polyline class="one" points={line(compensated)} />
      </svg>
      <p class="note">
        0 to {k} rows; 0 to <span class="number">{formatPercent(most)}</span> %
      </p>
    </figure>
  );
}

/** The followed weight of the last row: value, code, value; and the words that its column is packed into. */
function OneWeight({ data, state: { done, before } }: { data: SweepData; state: SweepState }) {
  const { n, settings, groups, codes, values, scales, order } = data;
  if (done === 0) {
    return <p class="note one-weight">Step once: row after row is rounded to {settings.bits} bits.</p>;
  }
  const row = done - 1;
  const at = row * n + LESSON_COLUMN;
  const group = groups.findIndex(({ end }) => row < end);
  const { start, end } = groups[group]!;
  const own = Array.from({ length: end - start }, (_, i) => codes[(start + i) * n + LESSON_COLUMN]!);
  const packed = packedWords(own, settings.bits).slice(0, Math.floor(((done - start) * settings.bits) / 32));
  return (
    <div class="one-weight">
      <p>
        Row <span class="number">{done}</span>, input <span class="number">{order[row]}</span>, output{' '}
        <span class="number">{LESSON_LINEAR.start + LESSON_COLUMN}</span> (▾):{' '}
        <span class="number">{before[at]!.toFixed(4)}</span> ÷{' '}
        <span class="number">{scales[group * n + LESSON_COLUMN]!.toFixed(4)}</span> → code{' '}
        <span class="number">{codes[at]}</span> → <span class="number">{values[at]!.toFixed(4)}</span>
      </p>
      <p class="bits-line">
        {own.map((code, i) => (
          <span key={i} class={start + i === row ? 'here' : start + i < row ? 'done' : ''}>
            {start + i < done ? code.toString(2).padStart(settings.bits, '0') : '·'.repeat(settings.bits)}
          </span>
        ))}
      </p>
      <p class="note packed">
        {packed.length === 0
          ? 'The codes of a group fill words of 32 bits.'
          : `Packed: ${packed.map((word) => word.toString(16).padStart(8, '0')).join(' ')}`}
      </p>
    </div>
  );
}
