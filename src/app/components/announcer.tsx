import { STATE_WORDS } from '../job-words.ts';
import type { LiveJob } from '../state/job-list.ts';
import { currentStage, STAGE_TITLES } from '../state/job-view.ts';

/** Tells screen readers when stage or state change, and nothing else. Also names the tab. */
export function Announcer({ job }: { job: LiveJob }) {
  const view = job.view.value;
  const stage = currentStage(view);
  const { state, modelName } = view.record;
  const words = state === 'running' && stage ? STAGE_TITLES[stage] : STATE_WORDS[state];
  const { progress } = view;
  const percent =
    state === 'running' && progress ? `${Math.floor((100 * progress.done) / progress.total)} % · ` : '';
  const title = `${percent}${words} · ${modelName}`;
  if (document.title !== title) document.title = title;
  return (
    <p class="hidden" role="status">
      {modelName}: {words}
    </p>
  );
}
