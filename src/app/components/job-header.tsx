import type { JobState } from '../../../workers/api/jobs.ts';
import { bitratesText, outputPlace, stateWords } from '../job-words.ts';
import { useApp } from '../state/app-state.ts';
import type { LiveJob } from '../state/live-job.ts';
import { isQueued } from '../state/queue.ts';
import { formatRoute } from '../state/route.ts';

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
          into {outputPlace(record)} · <span class={`state ${state}`}>{stateWords(record)}</span>
        </p>
      </div>
      {isQueued(record) && <Steering id={record.id} state={state} />}
      {!isQueued(record) && record.recorded && (
        <a class="button" href={formatRoute({ screen: 'replay', id: record.id })}>
          Replay
        </a>
      )}
    </div>
  );
}

function Steering({ id, state }: { id: string; state: JobState }) {
  const { jobs } = useApp();
  const running = state === 'running';
  const waiting = state === 'waiting';
  return (
    <div class="row">
      {!waiting && (
        <button
          type="button"
          class={running ? undefined : 'primary'}
          onClick={() => void jobs.steer(id, running ? 'pause' : 'unpause')}
        >
          {running ? 'Pause' : 'Go on'}
        </button>
      )}
      <button type="button" onClick={() => void jobs.steer(id, 'cancel')}>
        Cancel
      </button>
    </div>
  );
}
