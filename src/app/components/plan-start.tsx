import { formatRoughDuration } from '../format.ts';
import { useApp } from '../state/app-state.ts';
import { latestValue } from '../state/loadable.ts';
import { isEmpty, type Queue, queueOn, secondsUntilFree } from '../state/queue.ts';
import { Notice } from './notice.tsx';

/** What stands in the way, and the button, which stays in view: what goes wrong is said beside it. */
export function PlanStart() {
  const app = useApp();
  const { draft } = app;
  const loadable = draft.plan.value;
  const plan = latestValue(loadable);
  const queue = queueOn(app.jobs.queue.value, draft.gpus.value);
  const wait = secondsUntilFree(app.jobs.queue.value, draft.gpus.value);
  const blocked =
    app.starting.value ||
    !plan ||
    plan.problems.some(({ severe }) => severe) ||
    loadable.state === 'failed' ||
    draft.isCalibrationBlocked.value ||
    app.storageProblem.value !== undefined;
  return (
    <>
      <Problems />
      <div class="plan-start">
        <div class="row">
          <button type="button" class="primary" disabled={blocked} onClick={() => void app.start()}>
            {isEmpty(queue)
              ? startWords(draft.bits.value.length, draft.chooseAfterMeasuring.value)
              : 'Add to queue'}
          </button>
          {!isEmpty(queue) && <p class="note">{waitWords(queue, wait)}</p>}
          {app.starting.value && <p class="note">Starting…</p>}
        </div>
        {app.startTrouble.value && (
          <p class="problem-text" role="alert">
            {app.startTrouble.value}
          </p>
        )}
      </div>
    </>
  );
}

function Problems() {
  const { draft, storageProblem } = useApp();
  const loadable = draft.plan.value;
  const calibration = draft.calibration.value;
  // The plan may find it too.
  const isTold = latestValue(loadable)?.problems.some(({ severe }) => severe);
  return (
    <>
      {storageProblem.value && !isTold && (
        <Notice kind="problem" title="Nothing can be kept here">
          {storageProblem.value}
        </Notice>
      )}
      {calibration.state === 'failed' && (
        <Notice kind="problem" title="This calibration text cannot be used">
          {calibration.failure.message}
        </Notice>
      )}
      {loadable.state === 'failed' && (
        <Notice kind="problem" title="This cannot be done">
          {loadable.failure.message}
        </Notice>
      )}
      {latestValue(loadable)?.problems.map(({ severe, text }) => (
        <Notice
          key={text}
          kind={severe ? 'problem' : 'warning'}
          title={severe ? 'In the way' : 'Good to know'}
        >
          {text}
        </Notice>
      ))}
    </>
  );
}

function startWords(bitrates: number, chooseLater: boolean): string {
  if (chooseLater) return 'Measure';
  return bitrates > 1 ? `Convert to ${bitrates} bitrates` : 'Convert';
}

/** `Starts in about 14 min, after 2 other conversions.` */
function waitWords(queue: Queue, seconds: number | undefined): string {
  const count = queue.active.length + queue.waiting.length;
  const after = count === 1 ? 'the conversion that is under way' : `${count} other conversions`;
  return seconds === undefined
    ? `Starts after ${after}.`
    : `Starts in ${formatRoughDuration(seconds)}, after ${after}.`;
}
