import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { JobRecord, KeptWork } from '../../../workers/api/jobs.ts';
import type { StageName } from '../../job/stages.ts';
import { type Estimate, EtaEstimator } from '../../util/text/eta.ts';
import { type JobView, viewOf } from './job-view.ts';
import type { Failure } from './loadable.ts';

/** A job on the page: what it has told, the estimate of its time, and what went wrong when it was steered. */
export interface LiveJob {
  readonly view: Signal<JobView>;
  /** The view's: it changes more rarely. */
  readonly record: ReadonlySignal<JobRecord>;
  /** Of the stage under work. */
  readonly estimate: Signal<Estimate | undefined>;
  readonly failure: Signal<Failure | undefined>;
  /** Of one that has stopped, once that is known. */
  readonly kept: Signal<KeptWork | undefined>;
  eta: { readonly stage: StageName | undefined; readonly estimator: EtaEstimator };
}

export function liveJob(record: JobRecord): LiveJob {
  const view = signal(viewOf(record));
  return {
    view,
    record: computed(() => view.value.record),
    estimate: signal(undefined),
    failure: signal(undefined),
    kept: signal(undefined),
    eta: { stage: undefined, estimator: new EtaEstimator() },
  };
}

/** Brings the estimate up to what the view says now. */
export function updateEstimate(job: LiveJob): void {
  const { progress, record } = job.view.peek();
  const stage = record.state === 'running' ? progress?.stage : undefined;
  // Stages count in other units, and a pause is no work: both start anew.
  if (stage !== job.eta.stage) job.eta = { stage, estimator: new EtaEstimator() };
  if (!progress || !stage) {
    job.estimate.value = undefined;
    return;
  }
  const seconds = performance.now() / 1000;
  job.eta.estimator.observe(progress.done, seconds);
  job.estimate.value = job.eta.estimator.estimate(progress.total, seconds);
}
