import { formatPercent } from '../format.ts';
import { BITS_STEPS } from '../scales.ts';
import type { ErrorScale } from '../state/error-scale.ts';
import { Term } from './term.tsx';

interface GridLegendProps {
  readonly chosen: boolean;
  readonly scale: ErrorScale;
}

/** What the colours mean. */
export function GridLegend({ chosen, scale: { range, counts } }: GridLegendProps) {
  const losses = counts[1] > 0;
  return (
    <div class="legend">
      <div class="legend-scale">
        <Term of="bpw">Bits per weight</Term>
        <Swatches prefix="b" labels={['', ...BITS_STEPS.map(String)]} />
      </div>
      <div class="legend-scale">
        <span>
          <Term of="error">Error</Term>, by rank in this model
        </span>
        <Swatches
          prefix="e"
          labels={['least', '', '', '', '', '', '', 'most']}
          {...(range && { title: `of modules ${formatPercent(range[0])} to ${formatPercent(range[1])} %` })}
        />
      </div>
      {(losses || !chosen) && (
        <div class="legend-marks">
          {!chosen && (
            <span>
              <span class="swatch expected b5" aria-hidden="true" /> promised: what measuring found, at the
              bits that it would get now
            </span>
          )}
          <span>
            <span class="swatch settled b5 with-loss l4" aria-hidden="true" /> come out: quantized, its bits
            and its own error
          </span>
        </div>
      )}
    </div>
  );
}

interface SwatchesProps {
  readonly prefix: string;
  /** Where each step begins, or what it is. */
  readonly labels: readonly string[];
  readonly title?: string;
}

/** A swatch a step; numbers stand where one step ends and the next begins. */
function Swatches({ prefix, labels, title }: SwatchesProps) {
  return (
    <span class={`swatches ${prefix}-scale`}>
      {labels.map((label, step) => (
        <span key={step} class={`settled ${prefix}${step}`}>
          {label && <span class="number">{label}</span>}
        </span>
      ))}
      {title && <span class="note swatch-title">{title}</span>}
    </span>
  );
}
