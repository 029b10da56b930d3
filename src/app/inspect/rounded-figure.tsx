import { useSignal } from '@preact/signals';
import { useId, useMemo } from 'preact/hooks';
import type { HeardInput, RoundedLinear } from '../../learn/kept/inspected.ts';
import { formatPercent } from '../format.ts';
import { Bars } from '../learn/parts/bars.tsx';
import { Readout } from '../learn/parts/figure.tsx';
import { HeatMap } from '../learn/parts/heat-map.tsx';
import { capitalized } from '../module-words.ts';
import { bitsStep } from '../scales.ts';
import { bitRuns, counted, groupWords } from './words.ts';

interface RoundedFigureProps {
  readonly rounded: RoundedLinear;
  readonly heard: HeardInput | undefined;
  /** Relative error of the linear's own output, where it is known. */
  readonly error: number | undefined;
}

/** What a linear's rows became, in the order in which they were rounded; one row open. */
export function RoundedFigure({ rounded, heard, error }: RoundedFigureProps) {
  const { columns, places, groups, original } = rounded;
  const id = useId();
  const row = useSignal(0);
  const k = groups.at(-1)!.end;
  const moved = useMemo(() => original && rounded.values.map((value, i) => value - original[i]!), [rounded]);
  const shown = places.length === k ? `all ${counted(k)}` : `${places.length} of ${counted(k)}`;
  return (
    <>
      <div class="sweeps">
        <Panel title="As stored" rounded={rounded} row={row.value}>
          <HeatMap
            title={`The stored weights of ${shown} rows and ${columns} outputs`}
            width={columns}
            values={rounded.values}
            limit={3 * rootMeanSquare(rounded.values)}
          />
        </Panel>
        {moved && (
          <Panel title="Moved by" rounded={rounded} row={row.value}>
            <HeatMap
              title={`How far each of these weights is from its original`}
              width={columns}
              values={moved}
              limit={mean(rounded.scales)}
            />
          </Panel>
        )}
        <div class="bars-column">
          {heard && (
            <>
              <Bars title="Root mean square of each row’s input" values={levelsOf(rounded, heard)} />
              <p class="note">Row by row: how loud its input is</p>
            </>
          )}
          {moved && (
            <>
              <Bars title="How far each row moved" values={rowRoots(moved, columns)} />
              <p class="note">How far its weights moved</p>
            </>
          )}
          <div class="readouts">
            {moved && original && (
              <Readout
                value={`${formatPercent(rootMeanSquare(moved) / rootMeanSquare(original))} %`}
                label="moved, relative to the weights"
              />
            )}
            {error !== undefined && (
              <Readout side="one" value={`${formatPercent(error)} %`} label="error of this linear’s output" />
            )}
          </div>
        </div>
      </div>
      <label for={id} class="hidden">
        Row
      </label>
      <input
        id={id}
        type="range"
        min={0}
        max={places.length - 1}
        value={row.value}
        aria-valuetext={`row ${places[row.value]! + 1} of ${k}`}
        onInput={(event) => {
          row.value = event.currentTarget.valueAsNumber;
        }}
      />
      <OneRow rounded={rounded} row={row.value} />
      <p class="note">
        {capitalized(shown)} rows × {columns} outputs are shown: blue above zero, orange below
        {moved && '; in full colour a weight has moved by a step of its scale'}. {groupWords(groups)}
      </p>
    </>
  );
}

interface PanelProps {
  readonly title: string;
  readonly rounded: RoundedLinear;
  readonly row: number;
  readonly children: preact.ComponentChildren;
}

/** A map of the rows, with the bits of their groups beside it and the open row marked. */
function Panel({ title, rounded: { groups, places }, row, children }: PanelProps) {
  const k = groups.at(-1)!.end;
  return (
    <figure class="sweep-panel">
      <figcaption>{title}</figcaption>
      <div class="rounded-rows">
        <div class="bit-strip" aria-hidden="true">
          {bitRuns(groups).map(({ bits, start, end }) => (
            <span
              key={start}
              class={`b${bitsStep(bits)}`}
              style={{ height: `${((end - start) / k) * 100}%` }}
            >
              {end - start > k / 20 ? bits : ''}
            </span>
          ))}
        </div>
        <div class="sweep-map">
          {children}
          <span class="sweep-line" style={{ top: `${((row + 0.5) / places.length) * 100}%` }} />
        </div>
      </div>
    </figure>
  );
}

/** The first weight of the open row: original, scale, code, value; and the codes of all its outputs. */
function OneRow({ rounded, row }: { rounded: RoundedLinear; row: number }) {
  const { columns, places, inputs, groups, codes, scaleCodes, scales, values, original } = rounded;
  const place = places[row]!;
  const { bits } = groups.find(({ end }) => place < end)!;
  const at = row * columns;
  return (
    <div class="one-weight">
      <p>
        Row <span class="number">{counted(place + 1)}</span>, input{' '}
        <span class="number">{counted(inputs[row]!)}</span>, output <span class="number">0</span>:{' '}
        {original && <span class="number">{original[at]!.toFixed(4)} → </span>}
        code <span class="number">{codes[at]}</span>, scale{' '}
        <span class="number">{scales[at]!.toFixed(5)}</span> (step{' '}
        <span class="number">{scaleCodes[at]}</span> of 16) →{' '}
        <span class="number">{values[at]!.toFixed(4)}</span>
      </p>
      <p class="bits-line">
        {Array.from(codes.subarray(at, at + columns), (code, i) => (
          <span key={i} class={i === 0 ? 'here' : 'done'}>
            {code.toString(2).padStart(bits, '0')}
          </span>
        ))}
      </p>
    </div>
  );
}

const levelsOf = ({ inputs }: RoundedLinear, { diagonal, tokens }: HeardInput): Float32Array =>
  Float32Array.from(inputs, (input) => Math.sqrt(diagonal[input]! / Math.max(1, tokens)));

const rowRoots = (values: Float32Array, columns: number): Float32Array =>
  Float32Array.from({ length: values.length / columns }, (_, row) =>
    rootMeanSquare(values.subarray(row * columns, (row + 1) * columns)),
  );

const mean = (values: Float32Array): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Never 0, as colours go by it. */
const rootMeanSquare = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length) || Number.MIN_VALUE;
