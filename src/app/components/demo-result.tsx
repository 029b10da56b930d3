import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { formatBits, formatBytes } from '../format.ts';
import type { DemoRecording } from '../replay/demo-recording.ts';
import { weightBytes } from '../result-words.ts';
import { Headline, ResultDetails } from '../screens/result.tsx';
import { partingWords } from '../state/comparison-words.ts';
import type { JobView } from '../state/job-view.ts';
import { findParting } from '../state/parting.ts';
import { resultView } from '../state/result-view.ts';
import { Grid } from './grid.tsx';
import { ModulePanel } from './module-panel.tsx';
import { PartingOdds } from './parting-odds.tsx';
import { ResultFigures } from './result-figures.tsx';
import { ShareSection } from './share-section.tsx';
import { TextPanel } from './text-panel.tsx';

interface DemoResultProps {
  readonly recording: DemoRecording;
  readonly view: JobView;
}

/** What came out of the recorded conversion. */
export function DemoResult({ recording, view }: DemoResultProps) {
  const { record } = view;
  const result = record.results[0];
  const selected = useSignal<string | undefined>(undefined);
  const settled = useMemo(() => result && resultView(record, result), [record, result]);
  if (!result || !settled) return null;
  return (
    <>
      <Headline record={record} result={result} />
      <ResultFigures record={record} result={result} />
      <RecordedTexts recording={recording} />
      <h2 class="part">The details</h2>
      <ResultDetails record={record} result={result} recorded />
      <div class="beside">
        <Grid
          caption="Bits and error of every linear"
          view={settled}
          chosen
          selected={selected.value}
          onSelect={(module) => {
            selected.value = module;
          }}
        />
        <div class="side">
          <ModulePanel view={view} moduleKey={selected.value} />
        </div>
      </div>
      <ShareSection record={record} result={result} />
    </>
  );
}

function RecordedTexts({ recording: { texts, prompt, end: record } }: Pick<DemoResultProps, 'recording'>) {
  const parting = useMemo(() => findParting(texts.original, texts.quantized), [texts]);
  const result = record.results[0]!;
  const name = `${formatBits(result.bits)} bpw`;
  return (
    <section class="try" aria-labelledby="texts">
      <h2 id="texts">The same beginning, continued by both</h2>
      <p class="note">{partingWords(parting)}</p>
      <div class="texts">
        <TextPanel
          title="Original"
          facts={formatBytes(record.model.bytes)}
          prompt={prompt}
          view={texts.original}
          parted={parting.original}
        />
        <TextPanel
          title={name}
          facts={formatBytes(weightBytes(result))}
          prompt={prompt}
          view={texts.quantized}
          parted={parting.quantized}
        />
      </div>
      <PartingOdds parting={parting} name={name} />
    </section>
  );
}
