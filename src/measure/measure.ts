import { productSpeed } from '../autotune/measure-speeds.ts';
import type { CalibrationRows, RowShape } from '../calibrate/rows.ts';
import { handOut } from '../distribute/leader/hand-out.ts';
import type { Task } from '../distribute/leader/schedule.ts';
import { type PoolWorker, RemoteWorker, type WorkerPool } from '../distribute/leader/worker-pool.ts';
import { measuring, preparing, running, timeAsProducts, type Work } from '../estimate/work-estimate.ts';
import { ARTEFACT } from '../job/artefacts.ts';
import type { StageContext } from '../job/context.ts';
import type { LayerRange } from '../job/layer-range.ts';
import { progressReporter } from '../job/progress.ts';
import type { MeasuredPart } from '../measurement/measured-part.ts';
import { type MeasuredCandidate, type Measurement, moduleFromJson } from '../measurement/measurement-json.ts';
import { candidatesOf } from '../measurement/module-candidates.ts';
import { moduleWeights } from '../model/sizes.ts';
import type { ChoiceSpec, ModuleSpec } from '../model/spec.ts';
import { mean } from '../pass/relative-error.ts';
import { MeasuredChoices } from './measured-choices.ts';
import { Measurer } from './measurer.ts';

/** At which 16-bit weights come to a GPU from the system's cache (an H200, 2026-11-23). */
const LOAD_BYTES_PER_SECOND = 2e9;

/**
 * Measures every module under every one of its candidates, but for those that an earlier run has measured. Modules
 * are independent of each other, since each starts from the original's states, and so are a module's candidates: the
 * pool shares the modules out, and divides those that the others would have to wait for.
 * @param layers measure these only: the ones before are run forward, the ones after are not run.
 */
export async function measure(
  context: StageContext,
  pool: WorkerPool,
  rows: CalibrationRows,
  layers?: LayerRange,
): Promise<Measurement> {
  const progress = progressReporter(context, 'measure', context.plan.modules.filter(isIn(layers)));
  const measured = new MeasuredChoices(context, progress);
  const kept = await keptChoices(context, layers);
  const tasks = tasksBeside(context, rows, kept, layers);
  for (const [choice, candidates] of kept) measured.reuse(choice, candidates);
  const measurer = new Measurer(context, rows);

  /** The leader measures with `measurer`; each other worker has one of its own. */
  const measureBy = (worker: PoolWorker, task: Task): Promise<MeasuredPart> => {
    const { index, from, to } = task;
    const doing = describe(context, task);
    const onShare = (share: number) => measured.progress(index, task, share);
    if (worker instanceof RemoteWorker) {
      const part = worker.call(doing, (api) => api.measure(index, { from, to }), onShare);
      part.catch(() => onShare(0)); // another one begins it again
      return part;
    }
    const onOwnShare = (share: number) => {
      worker.share = share;
      onShare(share);
    };
    return worker.during(doing, () => measurer.measure(index, task, onOwnShare, progress));
  };

  try {
    await handOut(pool, tasks, async (worker, task) => {
      measured.begin(task.index);
      await measured.add(task.index, await measureBy(worker, task), worker === pool.leader);
    });
  } finally {
    await measurer.free();
  }
  return measured.measurement;
}

const isIn =
  (layers: LayerRange | undefined) =>
  ({ layer }: Pick<ModuleSpec, 'layer'>): boolean =>
    !layers || (layer >= layers.first && layer <= layers.last);

/** What an earlier run has measured. */
async function keptChoices(
  { plan, work }: StageContext,
  layers: LayerRange | undefined,
): Promise<ReadonlyMap<ChoiceSpec, readonly MeasuredCandidate[]>> {
  const kept = new Map<ChoiceSpec, readonly MeasuredCandidate[]>();
  for (const choice of plan.choices) {
    const path = ARTEFACT.measuredModule(choice.key);
    const json = isIn(layers)(choice) ? await work.readJson(path) : undefined;
    if (json !== undefined) kept.set(choice, moduleFromJson(choice, json));
  }
  return kept;
}

/** What is to be measured, without what an earlier run has measured. */
export const measuringTasks = async (
  context: StageContext,
  rows: RowShape,
  layers?: LayerRange,
): Promise<Task[]> => tasksBeside(context, rows, await keptChoices(context, layers), layers);

function tasksBeside(
  context: StageContext,
  rows: RowShape,
  kept: ReadonlyMap<ChoiceSpec, unknown>,
  layers: LayerRange | undefined,
): Task[] {
  const costs = taskCosts(context, rows);
  const done = new Set([...kept.keys()].map(({ key }) => key));
  return context.plan.modules
    .filter((module) => isIn(layers)(module) && !done.has(module.choice))
    .map((module) => ({ index: module.index, from: 0, ...costs(module) }));
}

/** What measuring a module costs, whose candidates are the steps of its task. */
function taskCosts({ plan, quantizer: { method }, speeds }: StageContext, rows: RowShape) {
  const time = (work: Work) => timeAsProducts(work, speeds);
  const loading = (module: ModuleSpec) =>
    ((2 * moduleWeights(module)) / LOAD_BYTES_PER_SECOND) * productSpeed(speeds);
  const forwardCost = mean(plan.modules.map((each) => loading(each) + time(running(each, rows))));
  return (module: ModuleSpec): Omit<Task, 'index' | 'from'> => {
    const to = candidatesOf(module, method).length;
    const before = time(preparing(module, rows));
    const trials = time(measuring(module, rows, method)) - before;
    return { to, setupCost: loading(module) + before, stepCost: trials / to, forwardCost };
  };
}

function describe({ plan, quantizer }: StageContext, { index, from, to }: Task): string {
  const module = plan.modules[index]!;
  if (to - from === candidatesOf(module, quantizer.method).length) return `measures ${module.key}`;
  const numbers = to - from === 1 ? `candidate ${to}` : `candidates ${from + 1}–${to}`;
  return `measures ${module.key}, ${numbers}`;
}
