import type { ModelDirectory } from '../io/model/model-directory.ts';
import { ARTEFACT } from '../job/artefacts.ts';
import type { StageContext } from '../job/context.ts';
import { checkControl } from '../job/control.ts';
import { checkValues, valueBytes } from '../model/check/check-values.ts';
import { requirements } from '../model/plan.ts';
import type { ModelPlan } from '../model/spec.ts';

/** Names of all tensors that the model needs. */
const neededTensors = (plan: ModelPlan): ReadonlySet<string> =>
  new Set(requirements(plan).map(({ name }) => name));

/** Bytes of all tensors that a conversion reads. */
export const modelWeightBytes = (source: ModelDirectory, plan: ModelPlan): number =>
  valueBytes(source, neededTensors(plan));

/**
 * Reads all weights once and looks for values that make the model useless, before anything is measured; a job that goes
 * on with the same model has done so.
 * @param model its digest. @throws InputError that names tensor, position and value.
 */
export async function checkWeights(context: StageContext, model: string): Promise<void> {
  const { source, plan, work, emit, control } = context;
  const earlier = await work.readJson<CheckNote>(ARTEFACT.checked);
  if (earlier?.model === model) return;
  const names = neededTensors(plan);
  const total = valueBytes(source, names);
  await checkValues(source, names, async (done, name) => {
    await checkControl(control);
    emit({ type: 'progress', stage: 'calibrate', done, total, unit: 'bytes', detail: `checks ${name}` });
  });
  await work.writeJson(ARTEFACT.checked, { model } satisfies CheckNote);
}

/** The same at once, for small models. */
export const checkWeightsNow = (source: ModelDirectory, plan: ModelPlan): Promise<void> =>
  checkValues(source, neededTensors(plan), () => {});

interface CheckNote {
  readonly model: string;
}
