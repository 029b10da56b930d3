import type { JobRecord } from '../../../workers/api/jobs.ts';
import { gpusOf } from '../../../workers/api/options.ts';
import { STAGE_TITLES } from '../../job/stages.ts';
import { formatRoughDuration } from '../format.ts';
import { bitratesText } from '../job-words.ts';
import { useApp } from '../state/app-state.ts';
import type { Steps } from '../state/job-list.ts';
import { currentStage } from '../state/job-view.ts';
import type { LiveJob } from '../state/live-job.ts';
import { latestValue } from '../state/loadable.ts';
import { before, isEmpty, secondsUntilStart } from '../state/queue.ts';
import { formatRoute } from '../state/route.ts';
import { timeLeft } from '../state/time-left.ts';
import { Announcer } from './announcer.tsx';

/** What is under way, and what waits its turn. */
export function QueueSection() {
  const { jobs, secondGpu } = useApp();
  const queue = jobs.queue.value;
  if (isEmpty(queue)) return null;
  const { active, waiting } = queue;
  return (
    <section aria-labelledby="queue">
      <h2 id="queue">Queue</h2>
      <ol class="jobs queue">
        {active.map((job) => (
          <ActiveLine key={job.record.value.id} job={job} />
        ))}
        {waiting.map((job) => (
          <WaitingLine key={job.record.value.id} job={job} />
        ))}
      </ol>
      <p class="note queue-note">
        {waiting.length > 0 &&
          `They run one after the other${secondGpu.value ? ' on each GPU' : ''}; one that fails does not stop the next. `}
        Keep this page open: after a reload, what runs and waits goes on with one click.
      </p>
      {active[0] && <Announcer job={active[0]} />}
    </section>
  );
}

function ActiveLine({ job }: { job: LiveJob }) {
  const record = job.record.value;
  const running = record.state === 'running';
  return (
    <li>
      <Line record={record} state={workWords(job)} time={leftWords(job)} />
      <span class="row">
        <Step record={record} step={running ? 'pause' : 'unpause'} label={running ? 'Pause' : 'Go on'} />
        <Step record={record} step="cancel" label="Cancel" />
      </span>
    </li>
  );
}

function WaitingLine({ job }: { job: LiveJob }) {
  const record = job.record.value;
  const place = usePlace(job);
  return (
    <li>
      <Line record={record} state={placeWords(place)} time={startWords(useStart(job))} />
      <span class="row">
        {place > 1 && <Step record={record} step="moveUp" label="Move up" />}
        <Step record={record} step="cancel" label="Cancel" />
      </span>
    </li>
  );
}

interface StepProps {
  readonly record: JobRecord;
  readonly step: Steps;
  readonly label: string;
}

function Step({ record, step, label }: StepProps) {
  const { jobs } = useApp();
  return (
    <button
      type="button"
      class={step === 'cancel' ? 'quiet subdued' : 'quiet'}
      aria-label={`${label}: ${record.modelName}, ${bitratesText(record)}`}
      onClick={async ({ currentTarget }) => {
        const line = currentTarget.closest('li');
        await jobs.steer(record.id, step);
        if (step === 'moveUp' && line) keepFocus(line);
      }}
    >
      {label}
    </button>
  );
}

/** A line that moves loses the focus, and its button when it has come to the top. */
function keepFocus(line: HTMLElement): void {
  requestAnimationFrame(() => {
    if (line.contains(document.activeElement)) return;
    line.querySelector('a')?.focus();
  });
}

interface LineProps {
  readonly record: JobRecord;
  readonly state: string;
  readonly time: string;
}

function Line({ record, state, time }: LineProps) {
  const { gpu, secondGpu } = useApp();
  const facts = { 'high-performance': latestValue(gpu.value), 'low-power': secondGpu.value };
  const names = gpusOf(record.options).flatMap((choice) => facts[choice]?.name ?? []);
  return (
    <a href={formatRoute({ screen: 'job', id: record.id })}>
      <span class="job-name">{record.modelName}</span>
      <span class="job-facts">
        <span class="number">{bitratesText(record)}</span>
        {secondGpu.value && ` · ${names.join(' and ')}`}
      </span>
      <span class={`state ${record.state}`}>{state}</span>
      <span class="job-facts">{time}</span>
    </a>
  );
}

/** `Measurement, 43 %`. */
function workWords({ view }: LiveJob): string {
  const { progress, record } = view.value;
  if (record.state === 'paused') return 'paused';
  const stage = currentStage(view.value);
  if (!stage) return 'running';
  const share = progress && progress.total > 0 ? progress.done / progress.total : 0;
  return `${STAGE_TITLES[stage]}, ${Math.floor(100 * share)} %`;
}

function leftWords(job: LiveJob): string {
  if (job.record.value.state === 'paused') return '';
  const left = timeLeft(job.view.value, job.estimate.value);
  return left ? `${formatRoughDuration(left.seconds)} left` : '';
}

/** From 1, among those that wait for one of its GPUs. */
export function usePlace(job: LiveJob): number {
  return before(useApp().jobs.queue.value, job).waiting.length + 1;
}

/** Seconds until a waiting job starts. */
export function useStart(job: LiveJob): number | undefined {
  return secondsUntilStart(useApp().jobs.queue.value, job);
}

export const placeWords = (place: number): string => (place === 1 ? 'next' : `number ${place}`);

/** `starts in about 14 min`. */
export const startWords = (seconds: number | undefined): string =>
  seconds === undefined ? '' : `starts in ${formatRoughDuration(seconds)}`;
