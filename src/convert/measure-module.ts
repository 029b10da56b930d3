import { type Candidate, distinctSettings } from '../exl2/candidates.ts';
import { resolveGroups } from '../exl2/groups.ts';
import type { HessianFactor } from '../gptq/factor.ts';
import { quantizeCandidates } from '../gptq/quantizer.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import type { LinearInput } from '../model/architectures/architecture.ts';
import type { ModuleSpec } from '../model/plan.ts';
import { moduleWeights } from '../model/sizes.ts';
import type { HiddenStates } from '../model/states.ts';
import { captureHessians, type LoadedModule, loadModule } from './capture.ts';
import type { StageContext } from './context.ts';
import { checkControl } from './control.ts';
import { mean } from './errors-by-row.ts';
import { candidateBits } from './module-candidates.ts';
import { type LinearTrials, runTrials } from './trials.ts';

/** Accuracies are not below this, as in ExLlamaV2. */
const LEAST_ACCURACY = 1e-6;

/**
 * Tries every candidate on one module: runs it as it is (into `reference`), quantizes each linear once for each
 * distinct setting, and compares the module's output under every candidate with the reference.
 * @param progress called with the share of the module's work that is done, 0…1.
 * @returns accuracy of each candidate: 1 − mean over rows of ‖y − reference‖ / ‖reference‖.
 */
export async function measureModule(
  context: StageContext,
  module: ModuleSpec,
  candidates: readonly Candidate[],
  states: HiddenStates,
  reference: HiddenStates,
  batch: number,
  progress: (share: number) => void,
): Promise<number[]> {
  return withScope(context.gpu, async (scope) => {
    const loaded = await loadModule(context, scope, module, states.length);
    const trials = await withScope(context.gpu, async (factorScope) => {
      const factors = await captureHessians(context, factorScope, loaded, states, reference, batch);
      progress(0.1);
      return quantizeAll(context, scope, loaded, factors, candidates, progress);
    });
    const accuracy = (errors: readonly number[]) => Math.max(LEAST_ACCURACY, 1 - mean(errors));
    const weights = moduleWeights(module);
    const bits = candidates.map((candidate) => candidateBits(module, candidate) / weights);
    const onTrial = (candidate: number, errors: readonly number[]) =>
      context.emit({
        type: 'trial',
        module: module.key,
        candidate,
        accuracy: accuracy(errors),
        bitsPerWeight: bits[candidate]!,
      });
    const errors = await runTrials(context, loaded, trials, states, reference, batch, onTrial, (share) =>
      progress(0.5 + 0.5 * share),
    );
    return errors.map(accuracy);
  });
}

/** Every linear by every distinct setting; its weight is freed afterwards, its bias stays. */
async function quantizeAll(
  { gpu, control }: StageContext,
  scope: Scope,
  { module, linears }: LoadedModule,
  factors: ReadonlyMap<LinearInput, HessianFactor>,
  candidates: readonly Candidate[],
  progress: (share: number) => void,
): Promise<Map<string, LinearTrials>> {
  const trials = new Map<string, LinearTrials>();
  for (const { name, key, k, input } of module.linears) {
    await checkControl(control);
    const { settings, indexOf } = distinctSettings(candidates, name, k);
    const { w, n } = linears.get(name)!;
    const factor = factors.get(input)!;
    const groups = settings.map((params) => resolveGroups(k, params));
    const versions = quantizeCandidates(gpu, scope, { what: key, slices: [{ w, n }], factor }, groups).flat();
    await gpu.sync();
    scope.free(w);
    trials.set(name, { versions, indexOf });
    progress(0.1 + (0.4 * trials.size) / module.linears.length);
  }
  return trials;
}
