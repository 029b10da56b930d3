import type { JobUpdate } from '../../../workers/api/jobs.ts';
import { budgetBits, roughChoice } from '../../allocate/allocate.ts';
import type { ConvertEvent, LinearEvent, ModuleEvent, StageEvent, TrialEvent } from '../../job/events.ts';
import { moduleOf } from '../module-words.ts';
import { eventWords } from './event-words.ts';
import { EMPTY_MODULE, forBitrate, type JobView, type ModuleView, meanErrors } from './job-view.ts';

/** Older lines are dropped: a large model writes hundreds. */
const LOG_LINES = 500;

/** The view after an update that came at `now` (ms). Neither is changed. */
export function reduceJob(view: JobView, update: JobUpdate, now: number): JobView {
  switch (update.type) {
    case 'record':
      return { ...view, record: update.record };
    case 'rates':
      return { ...view, rates: update };
    case 'removed':
      return view;
    case 'events': {
      const other = update.bits !== undefined && update.bits !== view.bits;
      const start = other ? withExpected(forBitrate(view, update.bits)) : view;
      const next = { ...start, modules: new Map(start.modules), log: [...start.log] };
      for (const event of update.events) {
        apply(next, event);
        const text = eventWords(event, view.record.model);
        if (text !== undefined) next.log.push({ text, time: now, warning: event.type === 'warning' });
      }
      next.log = next.log.slice(-LOG_LINES);
      const measured = update.events.some((event) => event.type === 'module' && event.stage === 'measure');
      return measured ? withExpected(next) : next;
    }
  }
}

/** The view with what every measured module would get if the bits were shared out among those measured so far. */
export function withExpected(view: JobView): JobView {
  const measured = view.record.model.modules.flatMap(({ key, weights }) => {
    const trials = view.modules.get(key)?.trials.filter((trial) => trial !== undefined) ?? [];
    const candidates = trials.map(({ error, bitsPerWeight }) => ({
      error,
      totalBits: bitsPerWeight * weights,
    }));
    return trials.length > 0 ? [{ key, weights, trials, candidates }] : [];
  });
  const choice = roughChoice(measured, budgetBits(measured, view.bits));
  const modules = new Map<string, ModuleView>(view.modules);
  for (const [i, { key, trials }] of measured.entries()) {
    const present = modules.get(key)!;
    const expected = trials[choice[i]!]!.candidate;
    // Rows of modules that keep what they had are not drawn again.
    if (present.expected !== expected) modules.set(key, { ...present, expected });
  }
  return { ...view, modules };
}

/** The copy that one batch of events is written to. */
type Draft = { -readonly [K in keyof JobView]: JobView[K] } & {
  modules: Map<string, ModuleView>;
  log: JobView['log'][number][];
};

function apply(draft: Draft, event: ConvertEvent): void {
  switch (event.type) {
    case 'stage':
      applyStage(draft, event);
      break;
    case 'progress':
      draft.progress = event;
      break;
    case 'trial':
      applyTrial(draft, event);
      break;
    case 'linear':
      applyLinear(draft, event);
      break;
    case 'module':
      draft.latest = event.choice ?? event.key;
      applyModule(draft, event);
      break;
    case 'allocation':
      for (const choice of event.modules) patch(draft, choice.key, { choice });
      break;
    case 'perplexity':
      draft.perplexity = { ...draft.perplexity, [event.model]: event.value };
      break;
    case 'memory':
      draft.memory = event;
      break;
    case 'workers':
      draft.workers = event.workers;
      break;
  }
}

function applyStage(draft: Draft, { stage, state }: StageEvent): void {
  draft.stages = { ...draft.stages, [stage]: state };
  if (state === 'started') delete draft.progress;
}

function applyTrial(
  draft: Draft,
  { module, candidate, error, bitsPerWeight, description }: TrialEvent,
): void {
  const trials = [...(draft.modules.get(module) ?? EMPTY_MODULE).trials];
  trials[candidate] = { candidate, error, bitsPerWeight, description };
  patch(draft, module, { trials });
}

/** The errors of the parts are independent of each other. */
function applyModule(
  draft: Draft,
  { stage, key, choice = key, rfnError, expertTokens = [] }: ModuleEvent,
): void {
  if (stage === 'measure') patch(draft, choice, { measured: true });
  if (rfnError === undefined) return;
  const parts = { ...draft.modules.get(choice)?.parts, [key]: { rfnError, expertTokens } };
  const told = Object.values(parts);
  const tokens = told.flatMap((part) => part.expertTokens);
  const { experts = 0 } = moduleOf(draft.record.model, choice) ?? {};
  patch(draft, choice, {
    parts,
    ...(tokens.length > 0 && { expertTokens: tokens }),
    ...(tokens.length >= experts && { rfnError: Math.hypot(...told.map((part) => part.rfnError)) }),
  });
}

function applyLinear(draft: Draft, { choice, name, expert = 0, bitsPerWeight, error }: LinearEvent): void {
  if (choice === undefined || name === undefined) {
    draft.head = bitsPerWeight;
    return;
  }
  const { linears, expertErrors } = draft.modules.get(choice) ?? EMPTY_MODULE;
  patch(draft, choice, { linears: { ...linears, [name]: bitsPerWeight } });
  if (error === undefined) return;
  const errors = { ...expertErrors, [name]: { ...expertErrors?.[name], [expert]: error } };
  patch(draft, choice, { expertErrors: errors, linearErrors: meanErrors(errors) });
}

function patch(draft: Draft, key: string, change: Partial<ModuleView>): void {
  draft.modules.set(key, { ...(draft.modules.get(key) ?? EMPTY_MODULE), ...change });
}
