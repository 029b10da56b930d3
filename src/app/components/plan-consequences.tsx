import type { ModelFacts } from '../../../workers/api/model.ts';
import type { JobPlan } from '../../../workers/api/options.ts';
import { formatBytes, formatRoughDuration } from '../format.ts';
import { useApp } from '../state/app-state.ts';
import { latestValue } from '../state/loadable.ts';
import { isEmpty, type Queue, queueOn, secondsUntilFree } from '../state/queue.ts';
import { Notice } from './notice.tsx';
import { PlanStates } from './plan-states.tsx';

/** What the options come to, what stands in the way, and the button. */
export function PlanConsequences({ model }: { model: ModelFacts }) {
  const app = useApp();
  const { draft } = app;
  const loadable = draft.plan.value;
  const plan = latestValue(loadable);
  const queue = queueOn(app.jobs.queue.value, draft.gpus.value);
  const wait = secondsUntilFree(app.jobs.queue.value, draft.gpus.value);
  const blocked =
    app.starting.value || !plan || plan.problems.some(({ severe }) => severe) || loadable.state === 'failed';
  return (
    <div class="consequences">
      {loadable.state === 'failed' && (
        <Notice kind="problem" title="This cannot be done">
          {loadable.failure.message}
        </Notice>
      )}
      {plan?.problems.map(({ severe, text }) => (
        <Notice
          key={text}
          kind={severe ? 'problem' : 'warning'}
          title={severe ? 'In the way' : 'Good to know'}
        >
          {text}
        </Notice>
      ))}
      <p class={loadable.state === 'loading' ? 'sentence stale' : 'sentence'} aria-live="off">
        {plan ? <Sentence plan={plan} model={model} /> : 'Working out what that needs…'}
      </p>
      {plan && <PlanStates states={plan.states} />}
      {!isEmpty(queue) && <p class="note">{waitWords(queue, wait)}</p>}
      <div class="row">
        <button type="button" class="primary" disabled={blocked} onClick={() => void app.start()}>
          {isEmpty(queue) ? convertWords(draft.bits.value.length) : 'Add to queue'}
        </button>
        <label class="option">
          <input
            type="checkbox"
            checked={draft.chooseAfterMeasuring.value}
            onChange={(event) => {
              draft.chooseAfterMeasuring.value = event.currentTarget.checked;
            }}
          />
          <span>Stop after measuring, to see what each bitrate costs and choose then</span>
        </label>
      </div>
    </div>
  );
}

const convertWords = (bitrates: number): string =>
  bitrates > 1 ? `Convert to ${bitrates} bitrates` : 'Convert';

/** `Starts in about 14 min, after 2 other conversions.` */
function waitWords(queue: Queue, seconds: number | undefined): string {
  const count = queue.active.length + queue.waiting.length;
  const after = count === 1 ? 'the conversion that is under way' : `${count} other conversions`;
  return seconds === undefined
    ? `Starts after ${after}.`
    : `Starts in ${formatRoughDuration(seconds)}, after ${after}.`;
}

function Sentence({ plan, model }: { plan: JobPlan; model: ModelFacts }) {
  const { gpus } = useApp().draft;
  const isShared = gpus.value.length > 1;
  const { measure, target } = plan.times;
  const seconds = measure + plan.outputBytes.length * target;
  const sizes = plan.outputBytes.map(formatBytes).join(' and ');
  return (
    <>
      <strong class="number">
        {formatBytes(model.bytes)} → {sizes}
      </strong>
      , <span class="number">{formatRoughDuration(seconds)}</span> on {isShared ? 'both GPUs' : 'this GPU'}
      {'; '}
      needs at least <span class="number">{formatBytes(plan.gpuBytes)}</span> of GPU memory
      {isShared && ' on each'}, <span class="number">{formatBytes(plan.memoryBytes)}</span> of main memory and{' '}
      <span class="number">{formatBytes(plan.diskBytes)}</span> of disk.
    </>
  );
}
