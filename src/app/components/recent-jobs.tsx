import { formatBytes, formatDate } from '../format.ts';
import { bitratesText, STATE_WORDS } from '../job-words.ts';
import { useApp } from '../state/app-state.ts';
import { formatRoute } from '../state/route.ts';
import { RemoveButton } from './remove-button.tsx';

/** Earlier and running jobs, each a click from going on. */
export function RecentJobs() {
  const { jobs } = useApp();
  const ids = jobs.ids.value;
  if (!jobs.loaded.value) return null;
  return (
    <section aria-labelledby="recent">
      <h2 id="recent">Conversions</h2>
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

function JobLine({ id }: { id: string }) {
  const { jobs } = useApp();
  const record = jobs.get(id)?.view.value.record;
  if (!record) return null;
  const { modelName, changed, state, results } = record;
  const active = state === 'running' || state === 'paused';
  const size = results[0] && ` · ${formatBytes(results[0].bytes)}`;
  return (
    <li>
      <a href={formatRoute({ screen: 'job', id })}>
        <span class="job-name">{modelName}</span>
        <span class="job-facts number">
          {bitratesText(record)}
          {size}
        </span>
        <span class={`state ${state}`}>{STATE_WORDS[state]}</span>
        <span class="job-facts">{formatDate(changed, Date.now())}</span>
      </a>
      <RemoveButton
        label={`Remove ${modelName}, ${bitratesText(record)}`}
        quiet
        disabled={active}
        onRemove={() => void jobs.remove(id)}
      />
    </li>
  );
}
