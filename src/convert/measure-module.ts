import { withScope } from '../gpu/scope.ts';
import type { ModuleSpec } from '../model/plan.ts';
import { moduleWeights } from '../model/sizes.ts';
import type { HiddenStates } from '../model/states.ts';
import { captureHessians, loadModule } from './capture.ts';
import type { StageContext } from './context.ts';
import { mean } from './errors-by-row.ts';
import { finerCandidates } from './finer-candidates.ts';
import { accuracyOf, type MeasuredCandidate } from './measurement-json.ts';
import { candidateBits, candidatesOf } from './module-candidates.ts';
import { describeCandidate } from './optimize.ts';
import { quantizeTrials } from './quantize-trials.ts';
import { runTrials } from './trials.ts';

/**
 * Tries every candidate on one module: runs it as it is (into `reference`), quantizes each linear once for each
 * distinct setting, and compares the module's output under every candidate with the reference. The refined
 * measurement then adds the candidates that follow from the trials ({@link finerCandidates}).
 * @param progress called with the share of the module's work that is done, 0…1.
 * @returns the candidates with their accuracy: 1 − mean over rows of ‖y − reference‖ / ‖reference‖.
 */
export async function measureModule(
  context: StageContext,
  module: ModuleSpec,
  states: HiddenStates,
  reference: HiddenStates,
  batch: number,
  progress: (share: number) => void,
): Promise<MeasuredCandidate[]> {
  const { gpu, quantizer } = context;
  const candidates = candidatesOf(module, quantizer.method);
  return withScope(gpu, async (scope) => {
    const loaded = await loadModule(context, scope, module, states.length);
    const { trials, losses, precise } = await withScope(gpu, async (factorScope) => {
      const captured = await captureHessians(context, factorScope, loaded, states, reference, batch);
      progress(0.1);
      const tried = await quantizeTrials(
        context,
        scope,
        loaded,
        factorScope,
        captured.factors,
        candidates,
        (share) => progress(0.1 + 0.4 * share),
      );
      return { ...tried, precise: captured.loaded };
    });
    const accuracy = (errors: readonly number[]) => accuracyOf(mean(errors));
    const weights = moduleWeights(module);
    const bits = candidates.map((candidate) => candidateBits(module, candidate));
    const onTrial = (candidate: number, errors: readonly number[]) =>
      context.emit({
        type: 'trial',
        module: module.key,
        candidate,
        accuracy: accuracy(errors),
        bitsPerWeight: bits[candidate]! / weights,
        description: describeCandidate(candidates[candidate]!),
        predicted: false,
      });
    const errors = await runTrials(context, precise, trials, states, reference, batch, onTrial, (share) =>
      progress(0.5 + 0.5 * share),
    );
    const measured = candidates.map(
      (params, i): MeasuredCandidate => ({ accuracy: accuracy(errors[i]!), totalBits: bits[i]!, params }),
    );
    return losses ? [...measured, ...finerCandidates(module, trials, losses, measured)] : measured;
  });
}
