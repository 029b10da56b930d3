import summary from '../../../data/demo-summary.json';
import { formatBytes, formatPercent } from '../format.ts';
import { changeWords } from '../result-words.ts';
import { bitsStep } from '../scales.ts';
import { formatRoute } from '../state/route.ts';

/** The grid of the recorded conversion: a real example, and what it lost. */
export function SampleGrid() {
  const { columns, rows, originalBytes, bytes, agreement, perplexity } = summary;
  return (
    <figure class="sample">
      <div class="sample-grid" role="img" aria-label={sampleWords()} style={{ '--columns': columns.length }}>
        {columns.map((column) => (
          <span key={column} class="sample-head">
            {column}
          </span>
        ))}
        {rows.map((row, layer) =>
          row.map((bits, i) => (
            <span key={`${layer} ${columns[i]}`} class={`settled b${bitsStep(bits)}`}>
              {bits.toFixed(1)}
            </span>
          )),
        )}
      </div>
      <figcaption class="note">
        Bits that each matrix of a small model was given at 4.0 on average; a row is a layer. It went from{' '}
        {formatBytes(originalBytes)} to {formatBytes(bytes)}; on text kept out of the calibration its
        perplexity is {changeWords(perplexity.reference, perplexity.model)}, and its first choice for the next
        token is the original’s at {formatPercent(agreement)} % of the places. Larger models mostly lose less.{' '}
        <a href={formatRoute({ screen: 'demo' })}>Watch how that was made</a>
      </figcaption>
    </figure>
  );
}

function sampleWords(): string {
  const { columns, rows } = summary;
  const mean = (at: number) => rows.reduce((sum, row) => sum + row[at]!, 0) / rows.length;
  const words = columns.map((column, i) => `${column} ${mean(i).toFixed(1)}`);
  return `Bits of the matrices of a small model with ${rows.length} layers, on average: ${words.join(', ')}`;
}
