import { formatBytes, formatDate } from '../format.ts';
import { bitratesText, stateWords } from '../job-words.ts';
import { weightBytes } from '../result-words.ts';
import { useApp } from '../state/app-state.ts';
import { isQueued } from '../state/queue.ts';
import { formatRoute } from '../state/route.ts';
import { Notice } from './notice.tsx';
import { RemoveButton } from './remove-button.tsx';

/** Earlier and running jobs, each a click from going on. */
export function RecentJobs() {
  const { jobs } = useApp();
  const ids = jobs.ids.value.filter((id) => !isQueued(jobs.get(id)!.record.value));
  if (!jobs.loaded.value || (ids.length === 0 && jobs.ids.value.length > 0)) return null;
  return (
    <section aria-labelledby="recent">
      <h2 id="recent">Conversions</h2>
      <GoOnWithAll />
      {ids.length === 0 ? (
        <p class="note">None yet. They will be listed here, and go on after a reload.</p>
      ) : (
        <ul class="jobs">
          {ids.map((id) => (
            <JobLine key={id} id={id} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** After a reload: nothing goes on by itself, as the browser asks for folders only at a click. */
function GoOnWithAll() {
  const { jobs } = useApp();
  const count = jobs.interrupted.value.length;
  if (count < 2) return null;
  return (
    <Notice
      kind="info"
      title={`${count} conversions were interrupted`}
      actions={
        <button type="button" class="primary" onClick={() => void jobs.resumeAll()}>
          {count === 2 ? 'Go on with both' : `Go on with all ${count}`}
        </button>
      }
    >
      The page was closed or reloaded. They go on one after the other, in the order in which they ran and
      waited.
    </Notice>
  );
}

function JobLine({ id }: { id: string }) {
  const { jobs } = useApp();
  const job = jobs.get(id);
  if (!job) return null;
  const record = job.record.value;
  const { modelName, changed, state, results } = record;
  const size = results[0] && ` · ${formatBytes(weightBytes(results[0]))}`;
  return (
    <li>
      <a href={formatRoute({ screen: 'job', id })}>
        <span class="job-name">{modelName}</span>
        <span class="job-facts number">
          {bitratesText(record)}
          {size}
        </span>
        <span class={`state ${state}`}>{stateWords(record)}</span>
        <span class="job-facts">{formatDate(changed, Date.now())}</span>
        {job.failure.value && <span class="problem-text">{job.failure.value.message}</span>}
      </a>
      <RemoveButton
        label={`Remove ${modelName}, ${bitratesText(record)}`}
        quiet
        onRemove={() => void jobs.remove(id)}
      />
    </li>
  );
}
