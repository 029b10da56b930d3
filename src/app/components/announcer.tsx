import { STAGE_TITLES } from '../../job/stages.ts';
import { STATE_WORDS } from '../job-words.ts';
import { currentStage } from '../state/job-view.ts';
import type { LiveJob } from '../state/live-job.ts';

/** Tells screen readers when stage or state change, and nothing else. */
export function Announcer({ job }: { job: LiveJob }) {
  const view = job.view.value;
  const stage = currentStage(view);
  const { state, modelName } = view.record;
  return (
    <p class="hidden" role="status">
      {modelName}: {state === 'running' && stage ? STAGE_TITLES[stage] : STATE_WORDS[state]}
    </p>
  );
}
