import type { CalibrationRows } from '../calibration/rows.ts';
import type { ModuleSpec } from '../model/plan.ts';
import { moduleWeights } from '../model/sizes.ts';
import { ARTEFACT } from './artefacts.ts';
import type { StageContext } from './context.ts';
import type { LayerRange } from './layer-range.ts';
import {
  type MeasuredCandidate,
  type Measurement,
  moduleFromJson,
  moduleToJson,
} from './measurement-json.ts';
import { Measurer } from './measurer.ts';
import { candidatesOf } from './module-candidates.ts';
import { describeCandidate } from './optimize.ts';
import { type Crew, Helper, type Member } from './pool/crew.ts';
import { handOut } from './pool/hand-out.ts';
import { progressReporter } from './progress.ts';
import { measuring, totalWork } from './work-estimate.ts';

/**
 * Measures every module under every one of its candidates, but for those that an earlier run has measured. Modules
 * are independent of each other, since each starts from the original's states: the crew shares them out.
 * @param layers measure these only: the ones before are run forward, the ones after are not run.
 */
export async function measure(
  context: StageContext,
  crew: Crew,
  rows: CalibrationRows,
  { first, last }: LayerRange = { first: 0, last: context.plan.config.layers - 1 },
): Promise<Measurement> {
  const { plan, work, quantizer } = context;
  const isMeasured = ({ layer }: ModuleSpec) => layer >= first && layer <= last;
  const progress = progressReporter(context, 'measure', plan.modules.filter(isMeasured));
  const measured = new Map<number, readonly MeasuredCandidate[]>();
  const finish = (index: number, candidates: readonly MeasuredCandidate[], by: Finished) => {
    measured.set(index, candidates);
    report(context, index, candidates, by);
    progress(index, 1);
  };
  const tasks = [];
  for (const [index, module] of plan.modules.entries()) {
    if (!isMeasured(module)) continue;
    const json = await work.readJson(ARTEFACT.measuredModule(module.key));
    if (json !== undefined) finish(index, moduleFromJson(module, json), { seconds: 0, resumed: true });
    else tasks.push({ index, cost: totalWork(measuring(plan, module, rows, quantizer.method)) });
  }
  const measurer = new Measurer(context, rows);
  try {
    await handOut(crew, tasks, async (member, index) => {
      const started = performance.now();
      const { key } = plan.modules[index]!;
      progress(index, 0);
      const candidates = await measureBy(member, measurer, context, index, progress);
      await work.writeJson(ARTEFACT.measuredModule(key), moduleToJson(candidates));
      const seconds = (performance.now() - started) / 1000;
      finish(index, candidates, { seconds, resumed: false, told: member === crew.leader });
    });
  } finally {
    measurer.free();
  }
  const inOrder = [...measured].sort(([a], [b]) => a - b);
  return { modules: new Map(inOrder.map(([index, candidates]) => [plan.modules[index]!.key, candidates])) };
}

/** How a module was finished. */
interface Finished {
  readonly seconds: number;
  readonly resumed: boolean;
  /** Its trials have been told of already. */
  readonly told?: boolean;
}

/** The leader measures with `measurer`; a helper has one of its own. */
async function measureBy(
  member: Member,
  measurer: Measurer,
  { plan }: StageContext,
  index: number,
  progress: (index: number, share?: number) => void,
): Promise<readonly MeasuredCandidate[]> {
  const module = plan.modules[index]!;
  const doing = `measures ${module.key}`;
  if (member instanceof Helper) {
    const onShare = (share: number) => progress(index, share);
    return moduleFromJson(module, await member.call(doing, (api) => api.measure(index), onShare));
  }
  return member.during(doing, () =>
    measurer.measure(
      index,
      (share) => {
        member.share = share;
        progress(index, share);
      },
      progress,
    ),
  );
}

/** Reports a module's candidates, but for the trials that have been told of, and its end. */
function report(
  { emit, plan, quantizer }: StageContext,
  index: number,
  candidates: readonly MeasuredCandidate[],
  { seconds, resumed, told = false }: Finished,
): void {
  const module = plan.modules[index]!;
  const weights = moduleWeights(module);
  const tried = candidatesOf(module, quantizer.method).length;
  for (const [candidate, { accuracy, totalBits, params }] of candidates.entries()) {
    const predicted = candidate >= tried;
    if (!predicted && told) continue;
    const bitsPerWeight = totalBits / weights;
    const description = describeCandidate(params);
    emit({
      ...{ type: 'trial', module: module.key, candidate, accuracy, bitsPerWeight, description, predicted },
    });
  }
  const count = plan.modules.length;
  emit({ type: 'module', stage: 'measure', key: module.key, index, count, seconds, resumed });
}
