import { type Candidate, distinctSettings } from '../exl2/candidates.ts';
import { resolveGroups } from '../exl2/groups.ts';
import type { QuantParams } from '../exl2/params.ts';
import type { HessianFactor } from '../gptq/factor.ts';
import type { GpuLinear } from '../gptq/gpu-linear.ts';
import { batchSize, type QuantizerInput, quantizeCandidates } from '../gptq/quantizer.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { freeTriangle } from '../gpu/matrix/triangle.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import type { StageContext } from '../job/context.ts';
import { checkControl } from '../job/control.ts';
import type { LinearLosses, SettingLoss } from '../measurement/measured-part.ts';
import { inTrialOrder } from '../measurement/module-candidates.ts';
import { freeWeight } from '../model/gpu/weights.ts';
import type { InputKey, LinearSpec } from '../model/spec.ts';
import type { LoadedModule } from '../pass/loaded-module.ts';
import { mayBeGivenUp } from '../util/given-up.ts';
import type { LinearTrials } from './trials.ts';

/**
 * Every linear by every distinct setting of the candidates; its weight is freed afterwards, its bias stays, and so are
 * the factors that no other linear takes.
 * @param factors belong to `factorScope`.
 * @param finerOf settings of a linear whose loss is wanted too, when the quantizer refines.
 * @returns the quantized linears by name and, when the quantizer refines, what each setting costs.
 */
export async function quantizeTrials(
  { gpu, control, quantizer: { method } }: StageContext,
  scope: Scope,
  { module, linears }: LoadedModule,
  factorScope: Scope,
  factors: ReadonlyMap<InputKey, HessianFactor>,
  candidates: readonly Candidate[],
  finerOf: (linear: LinearSpec) => readonly QuantParams[],
  progress: (share: number) => void,
): Promise<{ trials: ReadonlyMap<string, LinearTrials>; losses: LinearLosses | undefined }> {
  const trials = new Map<string, LinearTrials>();
  const losses = new Map<string, SettingLoss[]>();
  const order = inTrialOrder(module.linears);
  for (const [i, linear] of order.entries()) {
    await checkControl(control);
    const { name, paramsName, key, k, input } = linear;
    const factor = factors.get(input)!;
    const { settings, indexOf } = distinctSettings(candidates, paramsName, k);
    const weight = linears.get(name)!;
    const what: QuantizerInput = { what: key, slices: weight.slices, factor, method };
    if (method === 'exllamav2') {
      const groups = settings.map((params) => resolveGroups(k, params));
      trials.set(name, { versions: quantizeCandidates(gpu, scope, what, groups), indexOf });
    } else {
      const tried = await quantizeAll(gpu, scope, what, settings);
      trials.set(name, { versions: tried.versions, indexOf });
      const finer = await lossesOf(gpu, what, finerOf(linear));
      losses.set(name, [...tried.losses, ...finer]);
    }
    await gpu.sync();
    freeWeight(scope, weight);
    if (!order.slice(i + 1).some((other) => other.input === input)) freeTriangle(factorScope, factor.inverse);
    progress(trials.size / module.linears.length);
  }
  return { trials, losses: method === 'refined' ? losses : undefined };
}

/** What settings cost that no trial takes: the results of each batch are dropped. */
async function lossesOf(
  gpu: Gpu,
  input: QuantizerInput,
  settings: readonly QuantParams[],
): Promise<SettingLoss[]> {
  const losses: SettingLoss[] = [];
  while (losses.length < settings.length) {
    const rest = settings.slice(losses.length);
    const groups = rest.map((params) => resolveGroups(input.factor.k, params));
    const batch = rest.slice(0, batchSize(gpu, input, groups));
    const tried = await withScope(gpu, (temporary) => quantizeAll(gpu, temporary, input, batch));
    losses.push(...tried.losses);
  }
  return losses;
}

/** One linear by all settings, and what each costs; the results belong to `keep`. */
async function quantizeAll(
  gpu: Gpu,
  keep: Scope,
  input: QuantizerInput,
  settings: readonly QuantParams[],
): Promise<{ versions: GpuLinear[][]; losses: SettingLoss[] }> {
  const groups = settings.map((params) => resolveGroups(input.factor.k, params));
  const reading: Promise<number[]>[] = [];
  const onLosses = (losses: Promise<number[]>) => void reading.push(mayBeGivenUp(losses));
  const versions = quantizeCandidates(gpu, keep, { ...input, onLosses }, groups);
  const losses = (await Promise.all(reading)).flat();
  return { versions, losses: settings.map((params, i) => ({ params, loss: losses[i]! })) };
}
