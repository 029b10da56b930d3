import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import { outputFolder } from '../../util/output-folder.ts';
import { formatBytes } from '../format.ts';
import { useApp } from '../state/app-state.ts';
import { Term } from './term.tsx';

interface RunSectionProps {
  readonly record: JobRecord;
  readonly result: TargetResult;
}

/** Where an output can be run, and with what words. */
export function RunSection({ record, result }: RunSectionProps) {
  const { cacheTokens } = useApp().draft;
  const folder = outputFolder(record.model.name, result.bits);
  const { running } = record.model;
  const tokens = cacheTokens.value;
  const bytes =
    running && (result.bitsPerWeight * running.weights) / 8 + running.otherBytes[record.options.headBits];
  return (
    <section class="panel run" aria-labelledby="run">
      <h2 id="run">Run it</h2>
      <p>
        <Term of="EXL2" /> runs on <a href="https://github.com/turboderp-org/exllamav2">ExLlamaV2</a>, on
        NVIDIA GPUs and, with ROCm, AMD’s.
        {running && bytes !== undefined && (
          <>
            {' '}
            This one takes <span class="number">{formatBytes(bytes + tokens * running.tokenBytes)}</span> of{' '}
            <Term of="GPU memory" /> with a <Term of="cache" /> of <span class="number">{tokens}</span>{' '}
            tokens.
          </>
        )}
      </p>
      <ol class="ways">
        <li>
          As a server for chat programs: <a href="https://github.com/theroyallab/tabbyAPI">TabbyAPI</a>. Copy
          the folder into its <code>models</code> folder, name it in <code>config.yml</code>, and start it.
          <pre>
            <code>{`model:\n  model_name: ${folder}`}</code>
          </pre>
        </li>
        <li>
          At once, from a copy of ExLlamaV2:
          <pre>
            <code>{`python test_inference.py -m "${folder}" -p "Once upon a time"`}</code>
          </pre>
        </li>
      </ol>
    </section>
  );
}
