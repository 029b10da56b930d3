import type { ComponentChildren } from 'preact';
import type { TargetResult } from '../../../workers/api/jobs.ts';
import type { ModelFacts } from '../../../workers/api/model.ts';
import type { JobPlan } from '../../../workers/api/options.ts';
import { expectedQuality, madeOf } from '../expected-quality.ts';
import { formatBits, formatBytes, formatDivergence, formatPercent, formatRoughDuration } from '../format.ts';
import { useApp } from '../state/app-state.ts';
import { latestValue } from '../state/loadable.ts';
import { formatRoute } from '../state/route.ts';
import { PlanStates } from './plan-states.tsx';
import { Term } from './term.tsx';

/** What the bitrate comes to: size, time and quality on one line, and below what that needs. */
export function PlanOutcome({ model }: { model: ModelFacts }) {
  const { draft, jobs } = useApp();
  const loadable = draft.plan.value;
  const plan = latestValue(loadable);
  const bits = draft.bits.value[draft.active.value] ?? 4;
  const made = madeOf(model, jobs.records.value).find((result) => result.bits === bits);
  return (
    <div class={loadable.state === 'loading' ? 'outcome stale' : 'outcome'}>
      <dl class="outcome-line">
        <Part name={<Term of="size">Size</Term>}>
          {plan ? (
            <strong class="number">
              {formatBytes(model.bytes)} → {plan.outputBytes.map(formatBytes).join(' and ')}
            </strong>
          ) : (
            'working it out…'
          )}
        </Part>
        <Part name="Time">{plan && <Time plan={plan} />}</Part>
        <Part name={<Term of="expected quality">{made ? 'Measured quality' : 'Expected quality'}</Term>}>
          <Quality bits={bits} made={made} />
        </Part>
      </dl>
      {plan && <Needs plan={plan} />}
      {plan && <PlanStates states={plan.states} />}
    </div>
  );
}

function Part({ name, children }: { name: ComponentChildren; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Quality({ bits, made }: { bits: number; made: TargetResult | undefined }) {
  const metrics = made?.evaluation;
  if (!metrics) return <>{expectedQuality(bits)}</>;
  return (
    <>
      same next token at <span class="number">{formatPercent(metrics.agreement)} %</span>, KL divergence{' '}
      <span class="number">{formatDivergence(metrics.divergence.mean)}</span>
    </>
  );
}

function Time({ plan: { times, outputBytes } }: { plan: JobPlan }) {
  const { draft } = useApp();
  const targets = draft.chooseAfterMeasuring.value ? 0 : outputBytes.length;
  const seconds = times.measure + targets * times.target;
  if (seconds === 0) return <>not known without a GPU</>;
  return (
    <>
      <span class="number">{formatRoughDuration(seconds)}</span>{' '}
      {draft.gpus.value.length > 1 ? 'on both GPUs' : <Device />}
      {targets === 0 && ', then you choose'}
    </>
  );
}

function Device() {
  const { plannedGpus } = useApp();
  return <>{plannedGpus.value.some(({ software }) => software) ? 'on the CPU' : 'on this GPU'}</>;
}

function Needs({ plan }: { plan: JobPlan }) {
  const isShared = useApp().draft.gpus.value.length > 1;
  return (
    <p class="sentence note">
      Needs at least <span class="number">{formatBytes(plan.gpuBytes)}</span> of GPU memory
      {isShared && ' on each'}, <span class="number">{formatBytes(plan.memoryBytes)}</span> of main memory and{' '}
      <span class="number">{formatBytes(plan.diskBytes)}</span> of disk.
    </p>
  );
}

/** Bitrates of this model that are there already. */
export function MadeBitrates({ model }: { model: ModelFacts }) {
  const { jobs } = useApp();
  const records = jobs.records.value;
  const made = madeOf(model, records);
  if (made.length === 0) return null;
  return (
    <p class="note">
      <span class="made-mark" aria-hidden="true" /> finished:{' '}
      {made.map(({ bits }, i) => {
        const job = records.find(({ results }) => results.some((result) => made[i] === result));
        return (
          <span key={bits}>
            {i > 0 && ', '}
            <a class="number" href={formatRoute(job ? { screen: 'job', id: job.id } : { screen: 'start' })}>
              {formatBits(bits)}
            </a>
          </span>
        );
      })}
    </p>
  );
}
