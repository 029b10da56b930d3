import { useSignal } from '@preact/signals';
import { BIT_WIDTHS, type BitWidth } from '../../../exl2/params.ts';
import { LESSON_COLUMN, LESSON_LINEAR } from '../../../learn/data/lesson-facts.ts';
import { marks, type RulerData, type RulerGroup } from '../../../learn/data/ruler-data.ts';
import { formatBits, formatPercent } from '../../format.ts';
import { useLesson } from '../lesson-state.ts';
import { Loaded, Readout, Segments } from '../parts/figure.tsx';

const SIZES = [32, 128, 256] as const;

/** One real column: each group of its weights above the marks that it may choose among. */
export function RulerFigure() {
  const bits = useSignal<BitWidth>(4);
  const size = useSignal<number>(128);
  const snapped = useSignal(false);
  const answer = useLesson((api) => api.ruler(bits.value, size.value), [bits.value, size.value]);
  return (
    <>
      <Loaded of={answer.value}>
        {(data) => (
          <>
            <Strips data={data} snapped={snapped.value} />
            <div class="readouts">
              <Readout value={`${formatPercent(data.error)} %`} label="error of this column" />
              <Readout value={formatBits(data.bitsPerWeight)} label="bits per weight, scales included" />
            </div>
          </>
        )}
      </Loaded>
      <div class="row controls">
        <Segments
          label="Bits"
          options={BIT_WIDTHS}
          value={bits.value}
          onChange={(value) => {
            bits.value = value;
          }}
        />
        <Segments
          label="Rows of a group"
          options={SIZES}
          value={size.value as (typeof SIZES)[number]}
          text={(rows) => (rows === 256 ? 'all' : String(rows))}
          onChange={(value) => {
            size.value = value;
          }}
        />
        <label class="option">
          <input
            type="checkbox"
            checked={snapped.value}
            onChange={(event) => {
              snapped.value = event.currentTarget.checked;
            }}
          />
          Move weights to their marks
        </label>
      </div>
      <p class="note">
        Output {LESSON_LINEAR.start + LESSON_COLUMN} of {LESSON_LINEAR.name}, layer 0: its 256 weights, in the
        order of the inputs.
      </p>
    </>
  );
}

const WIDTH = 640;
const HEIGHT = 336;

function Strips({ data, snapped }: { data: RulerData; snapped: boolean }) {
  const widest = Math.max(...data.weight.map(Math.abs), ...data.values.map(Math.abs)) * 1.04;
  const x = (value: number) => WIDTH / 2 + (value / widest) * (WIDTH / 2);
  const height = HEIGHT / data.groups.length;
  return (
    <svg
      class="strips"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`256 weights in ${data.groups.length} groups, each on ${2 ** data.bits} marks; error ${formatPercent(data.error)} %`}
    >
      {data.groups.map((group, i) => (
        <g key={group.start} transform={`translate(0 ${i * height})`}>
          <Strip group={group} data={data} snapped={snapped} height={height} x={x} />
        </g>
      ))}
    </svg>
  );
}

interface StripProps {
  readonly group: RulerGroup;
  readonly data: RulerData;
  readonly snapped: boolean;
  readonly height: number;
  readonly x: (value: number) => number;
}

/** Marks along the foot of a strip; weights above them, in so many lanes that few hide each other. */
function Strip({ group, data: { weight, values }, snapped, height, x }: StripProps) {
  const foot = height - 4;
  const mark = Math.min(foot - 2, 22);
  const lanes = Math.max(3, Math.floor((foot - mark - 4) / 5));
  const shown = snapped ? values : weight;
  return (
    <>
      <line class="axis" x1={0} x2={WIDTH} y1={foot} y2={foot} />
      <path
        class="marks"
        d={marks(group)
          .map((value) => x(value).toFixed(1))
          .map((at) => `M${at} ${foot}V${foot - mark}`)
          .join('')}
      />
      {Array.from({ length: group.end - group.start }, (_, i) => (
        <circle
          key={i}
          cx={x(shown[group.start + i]!)}
          cy={foot - mark * 0.4 - ((i % lanes) / lanes) * (foot - mark * 0.4 - 6)}
          r={2.4}
        />
      ))}
      <text x={WIDTH - 4} y={3} text-anchor="end" dominant-baseline="hanging">
        scale {group.scaleCode} of 16<tspan class="wide">: marks {group.scale.toFixed(4)} apart</tspan>
      </text>
    </>
  );
}
