import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import { DivergenceChart } from '../components/divergence-chart.tsx';
import { Grid } from '../components/grid.tsx';
import { MetricsSection } from '../components/metrics-section.tsx';
import { ModulePanel } from '../components/module-panel.tsx';
import { PositionChart } from '../components/position-chart.tsx';
import { PromiseChart } from '../components/promise-chart.tsx';
import { ResultFigures } from '../components/result-figures.tsx';
import { ResultFiles } from '../components/result-files.tsx';
import { ResultTable } from '../components/result-table.tsx';
import { RunSection } from '../components/run-section.tsx';
import { ShareSection } from '../components/share-section.tsx';
import { TryIt } from '../components/try-it.tsx';
import { formatBits } from '../format.ts';
import { downloadJson } from '../platform/save-files.ts';
import { costWords, sizeWords } from '../result-words.ts';
import { useApp } from '../state/app-state.ts';
import type { JobView, ModuleView } from '../state/job-view.ts';
import { resultView } from '../state/result-view.ts';
import { go } from '../state/route.ts';

/** What came out, beside what went in. */
export function ResultScreen({ record }: { record: JobRecord }) {
  const { api } = useApp();
  useEffect(() => () => void api.freeModels(), [api, record.id]);
  const shown = useSignal(0);
  const selected = useSignal<string | undefined>(undefined);
  const result = record.results[shown.value] ?? record.results[0];
  const view = useMemo(() => result && resultView(record, result), [record, result]);
  if (!result || !view) return <p class="lead">There is no result.</p>;
  return (
    <>
      <Bitrates
        record={record}
        shown={result}
        onShow={(index) => {
          shown.value = index;
        }}
      />
      <Headline record={record} result={result} />
      <ResultFigures record={record} result={result} />
      <TryIt record={record} result={result} />
      <div class="next-steps">
        <div class="main-column">
          <ResultFiles key={result.bits} record={record} result={result} />
          <RunSection record={record} result={result} />
        </div>
        <ShareSection record={record} result={result} />
      </div>
      <h2 class="part">The details</h2>
      <NextSteps record={record} />
      <ResultDetails record={record} result={result} />
      <div class="beside">
        <section aria-labelledby="allocation">
          <h2 id="allocation">Where the bits went, and what each module lost</h2>
          <Grid
            caption="Bits and error of every linear"
            view={view}
            chosen
            selected={selected.value}
            onSelect={(module) => {
              selected.value = module;
            }}
          />
        </section>
        <div class="side">
          <MeasuredPanel view={view} moduleKey={selected.value} />
        </div>
      </div>
    </>
  );
}

/** What it came to, from text that was kept out: the calibration text would flatter. */
export function Headline({ record, result }: { record: JobRecord; result: TargetResult }) {
  return (
    <p class="headline">
      <strong>{sizeWords(record, result)}</strong>{' '}
      {costWords(result) ??
        'What it cost was not measured on text kept out of the calibration: that needed more GPU memory than the conversion was allowed.'}
    </p>
  );
}

interface BitratesProps {
  readonly record: JobRecord;
  readonly shown: TargetResult;
  readonly onShow: (index: number) => void;
}

/** Which of several outputs is shown. */
function Bitrates({ record: { results }, shown, onShow }: BitratesProps) {
  if (results.length < 2) return null;
  return (
    <fieldset class="row bitrates" aria-label="Bitrate">
      {results.map((result, index) => (
        <button
          key={result.bits}
          type="button"
          class="number"
          aria-pressed={result === shown}
          onClick={() => onShow(index)}
        >
          {formatBits(result.bits)} bpw
        </button>
      ))}
    </fieldset>
  );
}

interface ResultDetailsProps {
  readonly record: JobRecord;
  readonly result: TargetResult;
  /** It is not of a job of this browser. */
  readonly recorded?: boolean;
}

/** Tables and charts. */
export function ResultDetails({ record, result, recorded = false }: ResultDetailsProps) {
  return (
    <>
      <MetricsSection record={record} shown={result} recorded={recorded} />
      <ResultTable record={record} shown={result} />
      <div class="charts">
        <PromiseChart record={record} result={result} />
        {result.evaluation && <PositionChart metrics={result.evaluation} />}
        <DivergenceChart results={record.results} shown={result} />
      </div>
    </>
  );
}

function NextSteps({ record }: { record: JobRecord }) {
  const { api } = useApp();
  const save = async () => downloadJson(await api.measurementJson(record.id), 'measurement.json');
  return (
    <div class="row">
      <button type="button" onClick={() => go({ screen: 'choose', id: record.id })}>
        Another bitrate
      </button>
      <button type="button" onClick={() => void save()}>
        Save measurement.json
      </button>
      <span class="note">A further bitrate needs no new measuring.</span>
    </div>
  );
}

/** The module's curve as it was measured, with what this result took. */
function MeasuredPanel({ view, moduleKey }: { view: JobView; moduleKey: string | undefined }) {
  const measured = useApp().jobs.get(view.record.id)?.view.value.modules;
  const modules = [...view.modules].map(([key, module]): [string, ModuleView] => [
    key,
    { ...module, trials: measured?.get(key)?.trials ?? [] },
  ]);
  return <ModulePanel view={{ ...view, modules: new Map(modules) }} moduleKey={moduleKey} looksInside />;
}
