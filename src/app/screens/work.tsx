import { useSignal } from '@preact/signals';
import { Grid } from '../components/grid.tsx';
import { Log } from '../components/log.tsx';
import { ModulePanel } from '../components/module-panel.tsx';
import { StageBar } from '../components/stage-bar.tsx';
import { WorkMeters } from '../components/work-meters.tsx';
import { WorkerPanel } from '../components/worker-panel.tsx';
import { moduleUnderWork } from '../state/job-view.ts';
import type { LiveJob } from '../state/live-job.ts';
import { isQueued } from '../state/queue.ts';

/** A job at work, or stopped on the way. */
export function WorkScreen({ job, recorded = false }: { job: LiveJob; recorded?: boolean }) {
  const view = job.view.value;
  const selected = useSignal<string | undefined>(undefined);
  const working = moduleUnderWork(view)?.key;
  // The one under work, as soon as there is something of it to see.
  const hasTrials = working !== undefined && (view.modules.get(working)?.trials.length ?? 0) > 0;
  const inChart = selected.value ?? (hasTrials ? working : (view.latest ?? working));
  const { record } = view;
  const active = isQueued(record) && record.state !== 'waiting';
  return (
    <>
      {active && <StageBar job={job} recorded={recorded} />}
      <div class="beside">
        <Grid
          caption="Bits and error of every linear"
          view={view}
          working={working}
          selected={selected.value}
          onSelect={(module) => {
            selected.value = module === selected.value ? undefined : module;
          }}
        />
        <div class="side">
          <ModulePanel view={view} moduleKey={inChart} looksInside={!recorded} />
          {active && !recorded && <WorkMeters view={view} />}
          {active && <WorkerPanel view={view} />}
        </div>
        {view.log.length > 0 && <Log lines={view.log} />}
      </div>
    </>
  );
}
