import type { JobState } from '../../../workers/api.ts';
import { bitratesText, outputText, STATE_WORDS } from '../job-words.ts';
import { useApp } from '../state/app-state.ts';
import type { LiveJob } from '../state/job-list.ts';

/** Whose job it is, how it stands, and the means to steer it. */
export function JobHeader({ job, choosing }: { job: LiveJob; choosing: boolean }) {
  const { record } = job.view.value;
  const { modelName, state } = record;
  return (
    <div class="job-header">
      <div>
        <h1>{modelName}</h1>
        <p class="lead">
          {!choosing && (
            <>
              <span class="number">{bitratesText(record)}</span> ·{' '}
            </>
          )}
          into {outputText(record)} · <span class={`state ${state}`}>{STATE_WORDS[state]}</span>
        </p>
      </div>
      <Steering id={record.id} state={state} />
    </div>
  );
}

function Steering({ id, state }: { id: string; state: JobState }) {
  const { jobs } = useApp();
  const running = state === 'running';
  if (!running && state !== 'paused') return null;
  return (
    <div class="row">
      <button
        type="button"
        class={running ? undefined : 'primary'}
        onClick={() => void jobs.steer(id, running ? 'pause' : 'unpause')}
      >
        {running ? 'Pause' : 'Go on'}
      </button>
      <button type="button" onClick={() => void jobs.steer(id, 'cancel')}>
        Cancel
      </button>
    </div>
  );
}
