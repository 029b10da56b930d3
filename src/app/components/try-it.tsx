import { useEffect, useMemo } from 'preact/hooks';
import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import type { ModelFacts } from '../../../workers/api/model.ts';
import { formatBits, formatBytes } from '../format.ts';
import { pickModel } from '../platform/folders.ts';
import { weightBytes } from '../result-words.ts';
import { useApp } from '../state/app-state.ts';
import { Comparison } from '../state/comparison.ts';
import { comparisonWords } from '../state/comparison-words.ts';
import { Notice } from './notice.tsx';
import { PartingOdds } from './parting-odds.tsx';
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
      <h2 id="try">See the difference</h2>
      <Introduction record={record} result={result} />
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

/** What will be written, and what will not. */
function Introduction({ record: { model, options }, result }: TryItProps) {
  const bytes = runBytes(model);
  if (bytes <= options.gpuBudgetBytes)
    return <p class="note">Both models continue the same text, one after the other on this GPU.</p>;
  return (
    <p class="note">
      Only the quantized model can write here: to run, the original’s weights take{' '}
      <span class="number">{formatBytes(bytes)}</span> of GPU memory, with 32 bits each, and this conversion
      may use <span class="number">{formatBytes(options.gpuBudgetBytes)}</span>.
      {result.evaluation &&
        ' The figures above do compare the two: for them the original was run a layer at a time.'}
    </p>
  );
}

/** Of the weights on the GPU when an original is run: all of them in f32. */
const runBytes = ({ running, hiddenSize, vocabSize, parameters }: ModelFacts): number =>
  4 * (running ? running.weights + hiddenSize * vocabSize : parameters);

function Texts({ comparison, record, result }: TryItProps & { comparison: Comparison }) {
  const { prompt } = useApp();
  const texts = comparison.texts.value;
  if (!texts) return null;
  const chooseAgain = async () => {
    const source = await pickModel();
    if (source) await comparison.writeFrom(source, prompt.request.value);
  };
  const parting = comparison.parting.value;
  const continued = comparison.prompt.value;
  return (
    <>
      <div class="texts">
        <TextPanel
          title="Original"
          facts={formatBytes(record.model.bytes)}
          prompt={continued}
          view={texts.original}
          parted={parting?.original}
          onChooseAgain={() => void chooseAgain()}
        />
        <TextPanel
          title={`${formatBits(result.bits)} bpw`}
          facts={formatBytes(weightBytes(result))}
          prompt={continued}
          view={texts.quantized}
          parted={parting?.quantized}
        />
      </div>
      {parting && <PartingOdds parting={parting} name={`${formatBits(result.bits)} bpw`} />}
    </>
  );
}
