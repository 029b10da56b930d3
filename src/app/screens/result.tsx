import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import { DivergenceChart } from '../components/divergence-chart.tsx';
import { Grid } from '../components/grid.tsx';
import { MetricsSection } from '../components/metrics-section.tsx';
import { ModulePanel } from '../components/module-panel.tsx';
import { ResultFiles } from '../components/result-files.tsx';
import { ResultTable } from '../components/result-table.tsx';
import { TryIt } from '../components/try-it.tsx';
import { formatBytes } from '../format.ts';
import { downloadJson } from '../platform/save-files.ts';
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
      <p class="sentence large">{summary(record, result)}</p>
      <div class="result-layout">
        <div class="main-column">
          <ResultTable
            record={record}
            shown={result}
            onShow={(index) => {
              shown.value = index;
            }}
          />
          <NextSteps record={record} />
        </div>
        <ResultFiles key={result.bits} record={record} result={result} />
        <MetricsSection record={record} shown={result} />
        <DivergenceChart results={record.results} shown={result} />
        <TryIt record={record} result={result} />
      </div>
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

function summary({ model }: JobRecord, { bytes, perplexity }: TargetResult): string {
  const times = model.bytes / bytes;
  // A small model can grow: one that had no head of its own gets one.
  const size = times > 1.05 ? `, ${times.toFixed(1)} times smaller` : '';
  const change = perplexity.quantized / perplexity.original - 1;
  const words =
    Math.abs(change) < 0.0005
      ? 'as before'
      : `${(Math.abs(change) * 100).toFixed(1)} % ${change > 0 ? 'higher' : 'lower'}`;
  return `${formatBytes(model.bytes)} became ${formatBytes(bytes)}${size}; perplexity is ${words}.`;
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
  return <ModulePanel view={{ ...view, modules: new Map(modules) }} moduleKey={moduleKey} />;
}
