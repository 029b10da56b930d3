import { BITS_STEPS, ERROR_STEPS } from '../scales.ts';
import { Term } from './term.tsx';

interface GridLegendProps {
  readonly chosen: boolean;
  /** Whether the errors of linears are shown. */
  readonly losses: boolean;
}

/** What the colours mean. */
export function GridLegend({ chosen, losses }: GridLegendProps) {
  return (
    <div class="legend">
      <div class="legend-scale">
        <Term of="bpw">Bits per weight</Term>
        <Swatches prefix="b" steps={BITS_STEPS} format={String} />
      </div>
      <div class="legend-scale">
        <span>
          <Term of="error">Error</Term>, %
        </span>
        <Swatches prefix="e" steps={ERROR_STEPS} format={(step) => String(step * 100)} />
      </div>
      {(losses || !chosen) && (
        <div class="legend-marks">
          {!chosen && (
            <span>
              <span class="swatch expected b5" aria-hidden="true" /> measured: what it would get now
            </span>
          )}
          <span>
            <span class="swatch settled b5 with-loss l4" aria-hidden="true" /> quantized: bits, and its own
            error
          </span>
        </div>
      )}
    </div>
  );
}

interface SwatchesProps {
  readonly prefix: string;
  readonly steps: readonly number[];
  readonly format: (step: number) => string;
}

/** A swatch a step; numbers stand where one step ends and the next begins. */
function Swatches({ prefix, steps, format }: SwatchesProps) {
  const starts = [undefined, ...steps];
  return (
    <span class="swatches">
      {starts.map((start, step) => (
        <span key={start ?? 'first'} class={`settled ${prefix}${step}`}>
          {start !== undefined && <span class="number">{format(start)}</span>}
        </span>
      ))}
    </span>
  );
}
