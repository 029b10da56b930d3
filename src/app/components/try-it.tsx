import { useEffect, useMemo } from 'preact/hooks';
import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import { expectedResidence, readyBytes } from '../../../workers/api/texts.ts';
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
      <Introduction record={record} />
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

/** How both will write. */
function Introduction({ record: { model, options } }: Pick<TryItProps, 'record'>) {
  const residence = expectedResidence(model, options.gpuBudgetBytes);
  if (residence === 'ready')
    return <p class="note">Both models continue the same text, one after the other on this GPU.</p>;
  const need = (
    <>
      With 32 bits a weight the original takes <span class="number">{formatBytes(readyBytes(model))}</span> of
      GPU memory, and this conversion may use{' '}
      <span class="number">{formatBytes(options.gpuBudgetBytes)}</span>
    </>
  );
  return residence === 'stored' ? (
    <p class="note">
      Both models continue the same text, one after the other. {need}: its weights stay as its files have
      them. It writes the same, only slower.
    </p>
  ) : (
    <p class="note">
      {need}: it is read from its files layer by layer, over and over, which is slow. So the quantized model
      writes first. The original reads that text in one go, which shows where they part; from there it goes on
      token by token, until you stop it.
    </p>
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
