import { useEffect, useMemo } from 'preact/hooks';
import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import { formatBits, formatBytes } from '../format.ts';
import { pickModel } from '../platform/folders.ts';
import { useApp } from '../state/app-state.ts';
import { Comparison } from '../state/comparison.ts';
import { comparisonWords } from '../state/comparison-words.ts';
import { Notice } from './notice.tsx';
import { PromptForm } from './prompt-form.tsx';
import { TextPanel } from './text-panel.tsx';

interface TryItProps {
  readonly record: JobRecord;
  readonly result: TargetResult;
}

/** The original and an output continue the same prompt, side by side. */
export function TryIt({ record, result }: TryItProps) {
  const { api, prompt } = useApp();
  const comparison = useMemo(
    () => new Comparison(api, record.id, result.bits),
    [api, record.id, result.bits],
  );
  useEffect(() => () => void comparison.stop(), [comparison]);
  const failure = comparison.failure.value;
  return (
    <section class="try" aria-labelledby="try">
      <h2 id="try">Try it</h2>
      <PromptForm
        draft={prompt}
        running={comparison.running.value}
        onWrite={() => void comparison.write(prompt.request.value)}
        onStop={() => void comparison.stop()}
      />
      {failure && (
        <Notice kind="problem" title="Nothing was written">
          {failure.message}
        </Notice>
      )}
      <p class="note" role="status">
        {comparisonWords(comparison)}
      </p>
      <Texts comparison={comparison} record={record} result={result} />
    </section>
  );
}

function Texts({ comparison, record, result }: TryItProps & { comparison: Comparison }) {
  const { prompt } = useApp();
  const texts = comparison.texts.value;
  if (!texts) return null;
  const chooseAgain = async () => {
    const source = await pickModel();
    if (source) await comparison.writeFrom(source, prompt.request.value);
  };
  const differences = comparison.differences.value;
  const continued = comparison.prompt.value;
  return (
    <div class="texts">
      <TextPanel
        title="Original"
        facts={formatBytes(record.model.bytes)}
        prompt={continued}
        view={texts.original}
        runs={differences?.original}
        onChooseAgain={() => void chooseAgain()}
      />
      <TextPanel
        title={`${formatBits(result.bits)} bpw`}
        facts={formatBytes(result.bytes)}
        prompt={continued}
        view={texts.quantized}
        runs={differences?.quantized}
      />
    </div>
  );
}
