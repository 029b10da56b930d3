/** How long jobs will still take: what is planned, corrected by how fast the stage under work really goes. */

import type { JobRecord } from '../../../workers/api/jobs.ts';
import type { JobTimes } from '../../../workers/api/options.ts';
import type { StageName } from '../../job/stages.ts';
import type { Estimate } from '../../util/text/eta.ts';
import { currentStage, type JobView } from './job-view.ts';

export interface TimeLeft {
  /** Of the whole job. */
  readonly seconds: number;
  /** How many times as long as planned the stage under work takes; 1 while that is not known. */
  readonly pace: number;
}

/** Planned seconds of a job that has not begun, or goes on from what it has finished; undefined: nobody knows. */
export function plannedSeconds(record: JobRecord): number | undefined {
  const { times, measured } = record;
  return times && (measured ? 0 : times.measure) + missingTargets(record) * times.target;
}

/** Of a job under way; `estimate`: of the stage under work. */
export function timeLeft(view: JobView, estimate: Estimate | undefined): TimeLeft | undefined {
  const { times } = view.record;
  if (!times) return undefined;
  const planned = plannedStage(times, currentStage(view));
  const total = view.progress?.total ?? 0;
  const pace = estimate && planned > 0 ? total / estimate.rate / planned : 1;
  return { seconds: (estimate?.secondsLeft ?? planned) + pace * stagesToCome(view, times), pace };
}

/** How much of the whole job is done, by planned times, 0 to 1; undefined: nothing is planned. */
export function shareDone(view: JobView): number | undefined {
  const { times, targets, results, options, measured } = view.record;
  if (!times) return undefined;
  const outputs = options.chooseAfterMeasuring && !measured ? 0 : targets.length;
  const total = times.measure + outputs * times.target;
  if (total <= 0) return undefined;
  const { progress, stages } = view;
  const share = progress && progress.total > 0 ? progress.done / progress.total : 0;
  const isMeasured = measured || stages.measure === 'done' || stages.measure === 'reused';
  const measuring = isMeasured ? 1 : progress?.stage === 'measure' ? share : 0;
  const begun = results.length < outputs ? targetShare(view, share) : 0;
  const done = measuring * times.measure + (Math.min(results.length, outputs) + begun) * times.target;
  return Math.min(1, done / total);
}

/** Of the bitrate under work; what follows its quantization takes little. */
const targetShare = ({ stages, progress }: JobView, share: number): number =>
  stages.quantize === 'done' || stages.quantize === 'reused' ? 1 : progress?.stage === 'quantize' ? share : 0;

const missingTargets = ({ targets, results }: JobRecord): number =>
  targets.filter(({ bits }) => results.every((result) => result.bits !== bits)).length;

const plannedStage = (times: JobTimes, stage: StageName | undefined): number =>
  stage === 'measure' ? times.measure : stage === 'quantize' ? times.target : 0;

/** Planned seconds of all behind the stage under work. */
function stagesToCome({ record, stages }: JobView, times: JobTimes): number {
  const targets = missingTargets(record);
  if (!record.measured) {
    return (stages.measure === 'waiting' ? times.measure : 0) + targets * times.target;
  }
  const begun = targets > 0 && stages.quantize !== 'waiting' ? 1 : 0;
  return (targets - begun) * times.target;
}
