import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import { formatBits, formatBytes, formatPercent } from '../format.ts';
import { weightBytes } from '../result-words.ts';
import { Term } from './term.tsx';

interface ResultTableProps {
  readonly record: JobRecord;
  readonly shown: TargetResult;
}

/** Before and after: the original, and each bitrate. */
export function ResultTable({ record, shown }: ResultTableProps) {
  const { model, results } = record;
  return (
    <div class="table-box">
      <table class="figures results">
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">
              <Term of="bpw" />
            </th>
            <th scope="col">
              <Term of="head bits">head</Term>
            </th>
            <th scope="col">size</th>
            <th scope="col">
              <Term of="perplexity" /> on its calibration text
            </th>
            <th scope="col">
              largest <Term of="error" />
            </th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">original</th>
            <td>{model.dtypes.some((dtype) => dtype.endsWith('32')) ? '32' : '16'}</td>
            <td>–</td>
            <SizeCell bytes={model.bytes} of={model.bytes} />
            <td>{results[0]?.perplexity.original.toFixed(3)}</td>
            <td>–</td>
          </tr>
          {results.map((result) => (
            <tr key={result.bits} class={result === shown && results.length > 1 ? 'shown' : undefined}>
              <th scope="row">{results.length > 1 ? `${formatBits(result.bits)} bpw` : 'quantized'}</th>
              <td>{formatBits(result.bitsPerWeight)}</td>
              <td>{result.headBits}</td>
              <SizeCell bytes={weightBytes(result)} of={model.bytes} />
              <td>{result.perplexity.quantized.toFixed(3)}</td>
              <td>{formatPercent(Math.max(...Object.values(result.rfnErrors)))} %</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A size, and how long it is beside the original. */
function SizeCell({ bytes, of }: { bytes: number; of: number }) {
  return (
    <td class="size-cell">
      {formatBytes(bytes)}
      <span class="size-bar" style={{ width: `${Math.min(100, (100 * bytes) / of)}%` }} />
    </td>
  );
}
