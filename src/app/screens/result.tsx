import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { JobRecord, TargetResult } from '../../../workers/api.ts';
import { Grid } from '../components/grid.tsx';
import { ModulePanel } from '../components/module-panel.tsx';
import { ResultFiles } from '../components/result-files.tsx';
import { ResultTable } from '../components/result-table.tsx';
import { formatBytes } from '../format.ts';
import { downloadJson } from '../platform/save-files.ts';
import { useApp } from '../state/app-state.ts';
import { resultView } from '../state/result-view.ts';
import { go } from '../state/route.ts';

/** What came out, beside what went in. */
export function ResultScreen({ record }: { record: JobRecord }) {
  const shown = useSignal(0);
  const result = record.results[shown.value] ?? record.results[0];
  if (!result) return <p class="lead">There is no result.</p>;
  return (
    <>
      <p class="sentence large">{summary(record, result)}</p>
      <div class="beside">
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
      </div>
      <AllocationPicture record={record} result={result} />
    </>
  );
}

function summary({ model }: JobRecord, { bytes, perplexity }: TargetResult): string {
  const times = (model.bytes / bytes).toFixed(1);
  const change = perplexity.quantized / perplexity.original - 1;
  const words =
    Math.abs(change) < 0.0005
      ? 'as before'
      : `${(Math.abs(change) * 100).toFixed(1)} % ${change > 0 ? 'higher' : 'lower'}`;
  return `${formatBytes(model.bytes)} became ${formatBytes(bytes)}, ${times} times smaller; perplexity is ${words}.`;
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

function AllocationPicture({ record, result }: { record: JobRecord; result: TargetResult }) {
  const selected = useSignal<string | undefined>(undefined);
  const view = useMemo(() => resultView(record, result), [record, result]);
  return (
    <section aria-labelledby="allocation">
      <h2 id="allocation">Where the bits went, and what each module lost</h2>
      <div class="beside">
        <Grid
          caption="Bits and error of every linear"
          view={view}
          chosen
          selected={selected.value}
          onSelect={(module) => {
            selected.value = module;
          }}
        />
        <div class="side">
          <MeasuredPanel record={record} result={result} moduleKey={selected.value} />
        </div>
      </div>
    </section>
  );
}

/** The module's curve as it was measured, with what this result took. */
function MeasuredPanel(props: { record: JobRecord; result: TargetResult; moduleKey: string | undefined }) {
  const { record, result, moduleKey } = props;
  const measured = useApp().jobs.get(record.id)?.view.value.modules;
  const view = resultView(record, result);
  const modules = new Map(
    [...view.modules].map(([key, module]) => [key, { ...module, trials: measured?.get(key)?.trials ?? [] }]),
  );
  return <ModulePanel view={{ ...view, modules }} moduleKey={moduleKey} />;
}
