import { STAGE_TITLES, STAGES, type StageName } from '../../job/stages.ts';
import { formatBits, formatBytes, formatCount, formatCountdown, formatRoughDuration } from '../format.ts';
import { capitalized, inWords } from '../module-words.ts';
import { stageSentence } from '../stage-words.ts';
import { currentStage, moduleUnderWork, type StageState } from '../state/job-view.ts';
import type { LiveJob } from '../state/live-job.ts';
import { shareDone, timeLeft } from '../state/time-left.ts';
import { ProgressBar } from './meter.tsx';

interface StageBarProps {
  readonly job: LiveJob;
  /** It is played from a recording: nothing is to be waited for. */
  readonly recorded?: boolean;
}

/** How far the whole is, the stages, how far the one under work is, and what it does. */
export function StageBar({ job, recorded = false }: StageBarProps) {
  const view = job.view.value;
  const stage = currentStage(view);
  const { progress, record } = view;
  const share = progress && progress.total > 0 ? progress.done / progress.total : 0;
  const bits = record.targets.map((target) => target.bits);
  return (
    <section class="stage-bar" aria-label="Progress">
      <Whole job={job} recorded={recorded} />
      <ol class="stages">
        {STAGES.map((each) => (
          <StageStep key={each} stage={each} state={view.stages[each]} />
        ))}
        {bits.length > 1 && stage !== 'measure' && (
          <li class="number">
            {formatBits(view.bits)} bpw, {bits.indexOf(view.bits) + 1} of {bits.length}
          </li>
        )}
      </ol>
      <ProgressBar label={stage ? STAGE_TITLES[stage] : 'Stage'} share={share} />
      <div class="stage-line">
        <span>{underWork(job)}</span>
        {!recorded && <TimeLeft job={job} />}
      </div>
      <p class="stage-sentence">{stageSentence(view)}</p>
    </section>
  );
}

/** All stages and bitrates together. */
function Whole({ job, recorded }: Required<StageBarProps>) {
  const view = job.view.value;
  const done = shareDone(view);
  if (done === undefined) return null;
  const left = timeLeft(view, job.estimate.value);
  const isGoing = view.record.state === 'running' && !recorded;
  return (
    <>
      <div class="stage-line">
        <strong>
          <span class="number">{Math.floor(100 * done)} %</span> of the whole
        </strong>
        {isGoing && left && <span>{formatRoughDuration(left.seconds)} left in all</span>}
      </div>
      <ProgressBar label="The whole conversion" share={done} />
    </>
  );
}

const STEP_WORDS: Readonly<Record<StageState, string>> = {
  waiting: 'still to come',
  started: 'under way',
  done: 'done',
  reused: 'taken from earlier',
};

function StageStep({ stage, state }: { stage: StageName; state: StageState }) {
  return (
    <li class={`step ${state}`} aria-current={state === 'started' ? 'step' : undefined}>
      {STAGE_TITLES[stage]}
      <span class="hidden">, {STEP_WORDS[state]}</span>
    </li>
  );
}

function underWork({ view }: LiveJob): string {
  const { record, progress } = view.value;
  const detail = progress?.detail ?? 'Getting ready…';
  return moduleUnderWork(view.value) ? capitalized(inWords(record.model, detail)) : detail;
}

/** Time left and what it is based on. */
function TimeLeft({ job }: { job: LiveJob }) {
  const { progress, record } = job.view.value;
  if (record.state === 'paused') return null;
  const known = job.estimate.value;
  if (!known || !progress) return <span class="note">time left: not known yet</span>;
  return (
    <span>
      <span class="number">{formatCountdown(known.secondsLeft)}</span> left in this stage{' '}
      <span class="note">
        at <span class="number">{rateText(known.rate, progress.unit)}</span>, as in the last minute
      </span>
    </span>
  );
}

const rateText = (rate: number, unit: string): string =>
  unit === 'bytes' ? `${formatBytes(rate)}/s` : `${formatCount(rate)} ${unit}/s`;
