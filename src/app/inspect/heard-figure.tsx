import { useMemo } from 'preact/hooks';
import { loudestShare } from '../../learn/data/text-data.ts';
import type { HeardInput } from '../../learn/kept/inspected.ts';
import { formatPercent } from '../format.ts';
import { Bars } from '../learn/parts/bars.tsx';
import { Readout } from '../learn/parts/figure.tsx';
import { HeatMap } from '../learn/parts/heat-map.tsx';
import { counted, heardWords } from './words.ts';

/** Bars that are drawn at most; a wider linear has the loudest of so many neighbours in each. */
const MOST_BARS = 512;

interface HeardFigureProps {
  readonly heard: HeardInput;
  /** How the calibration text begins, where that is known. */
  readonly text: string | undefined;
}

/** H as a picture, and how loud each input is. */
export function HeardFigure({ heard, text }: HeardFigureProps) {
  const { diagonal, blocks, tokens } = heard;
  const k = diagonal.length;
  const side = Math.sqrt(blocks.length);
  const levels = useMemo(() => diagonal.map((power) => Math.sqrt(power / tokens)), [diagonal, tokens]);
  const falling = useMemo(() => levels.toSorted().toReversed(), [levels]);
  const bars = Math.min(MOST_BARS, k);
  const each = bars === k ? '' : `; a bar is the loudest of ${Math.ceil(k / bars)}`;
  if (tokens === 0) return <p class="note">No calibration token came here.</p>;
  return (
    <>
      <div class="hessian">
        <figure>
          <HeatMap
            title={`H, ${k} by ${k}, in ${side} by ${side} blocks`}
            width={side}
            values={blocks}
            limit={quantile(blocks, 0.98)}
            root
          />
          <figcaption class="note">
            H, {counted(k)} × {counted(k)}
            {side < k &&
              `; a square is the mean size of ${Math.round(k / side)} × ${Math.round(k / side)} of its entries`}
          </figcaption>
        </figure>
        <div class="bars-column">
          <Bars title="Root mean square of each input" values={loudestOf(levels, bars)} />
          <p class="note">
            The {counted(k)} inputs: root mean square{each}
          </p>
          <Bars title="Root mean square of the inputs, from the loudest" values={loudestOf(falling, bars)} />
          <p class="note">From the loudest: rows are rounded in this order</p>
          <div class="readouts">
            <Readout
              value={`${formatPercent(loudestShare(Float64Array.from(diagonal)))} %`}
              label="of all power is in the loudest tenth"
            />
            <Readout value={`input ${counted(diagonal.indexOf(loudest(diagonal)))}`} label="is the loudest" />
          </div>
        </div>
      </div>
      <p class="note">{heardWords(heard)}</p>
      {text && <p class="note calibration-text">The measurement’s text begins: “{text.trim()} …”</p>}
    </>
  );
}

const loudest = (values: Float32Array): number => values.reduce((a, b) => Math.max(a, b), 0);

/** The largest of each of `count` runs of neighbours. */
function loudestOf(values: Float32Array, count: number): Float32Array {
  const edge = (i: number) => Math.floor((i * values.length) / count);
  return Float32Array.from({ length: count }, (_, i) => loudest(values.subarray(edge(i), edge(i + 1))));
}

/** The value that this share of the values is below; never 0, as colours go by it. */
const quantile = (values: Float32Array, share: number): number =>
  values.toSorted()[Math.floor(share * (values.length - 1))]! || Number.MIN_VALUE;
