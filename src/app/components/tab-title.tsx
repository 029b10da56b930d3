import { STAGE_TITLES } from '../../job/stages.ts';
import { inspectTitle, placeAt } from '../inspect/titles.ts';
import { STATE_WORDS } from '../job-words.ts';
import { lessonTitle } from '../learn/titles.ts';
import { useApp } from '../state/app-state.ts';
import { currentStage } from '../state/job-view.ts';
import type { LiveJob } from '../state/live-job.ts';
import { latestValue } from '../state/loadable.ts';
import { type Route, route } from '../state/route.ts';

/** Names the tab: after the job that is under way, wherever the user looks, and else after the one that is shown. */
export function TabTitle() {
  const { jobs, draft } = useApp();
  const { active, waiting } = jobs.queue.value;
  const present = route.value;
  const shown = 'id' in present && jobs.ids.value.includes(present.id) ? jobs.get(present.id) : undefined;
  const subject = shown && active.includes(shown) ? shown : (active[0] ?? shown);
  const behind = active.length > 0 && waiting.length > 0 ? ` · ${waiting.length} more` : '';
  const work = subject && `${workTitle(subject)}${behind}`;
  const linear = active.length === 0 && shown ? shownLinear(present, shown) : undefined;
  const title = linear ?? work ?? screenTitle(present, latestValue(draft.model.value)?.name);
  if (document.title !== title) document.title = title;
  return null;
}

function screenTitle(present: Route, model: string | undefined): string {
  switch (present.screen) {
    case 'start':
      return 'exl2-web: quantize a language model in the browser';
    case 'plan':
      return model ? `Plan · ${model}` : 'Plan · exl2-web';
    case 'demo':
      return 'A recorded conversion · exl2-web';
    case 'learn':
      return lessonTitle(present.card);
    default:
      return 'exl2-web';
  }
}

/** `Layer 0, attention: what q hears · TinyStories 7M`, where a linear of the job is shown. */
function shownLinear(present: Route, { record }: LiveJob): string | undefined {
  if (present.screen !== 'inspect') return undefined;
  const { model, modelName } = record.value;
  const place = placeAt(model, present.linear);
  return place && `${inspectTitle(present.card, place)} · ${modelName}`;
}

/** `43 % · Measure · TinyStories 7M`. */
function workTitle({ view }: LiveJob): string {
  const { record, progress } = view.value;
  const { state, modelName } = record;
  if (state !== 'running') return `${STATE_WORDS[state]} · ${modelName}`;
  const stage = currentStage(view.value);
  const percent = progress ? `${Math.floor((100 * progress.done) / progress.total)} % · ` : '';
  return `${percent}${stage ? STAGE_TITLES[stage] : STATE_WORDS.running} · ${modelName}`;
}
