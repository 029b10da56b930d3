import { type Candidate, distinctSettings } from '../exl2/candidates.ts';
import { totalBits } from '../exl2/groups.ts';
import type { ModuleSpec } from '../model/plan.ts';
import { errorOfSum, fitErrorModel } from './error-model.ts';
import { frontier, type LinearOption } from './frontier.ts';
import { accuracyOf, type MeasuredCandidate } from './measurement-json.ts';
import { candidateBits } from './module-candidates.ts';
import type { LinearLosses } from './quantize-trials.ts';

/**
 * The best mixes of all settings of a module's linears, with the accuracy that the module's trials predict for them:
 * see {@link fitErrorModel}.
 * @param losses of the candidates' settings in their order, then of others.
 * @param measured the candidates.
 */
export function finerCandidates(
  module: ModuleSpec,
  candidates: readonly Candidate[],
  losses: LinearLosses,
  measured: readonly MeasuredCandidate[],
): MeasuredCandidate[] {
  const { linears } = module;
  const byLinear = linears.map(({ name, k }) => {
    const { indexOf } = distinctSettings(candidates, name, k);
    return indexOf.map((setting) => losses.get(name)![setting]!.loss);
  });
  const model = fitErrorModel(
    measured.map((_, candidate) => byLinear.map((ofCandidate) => ofCandidate[candidate]!)),
    measured.map(({ accuracy }) => 1 - accuracy),
  );
  const options = linears.map(({ name, k, n, bias }, i): [string, LinearOption[]] => [
    name,
    losses.get(name)!.map(({ params, loss }) => ({
      params,
      bits: totalBits(k, n, params, bias !== undefined),
      part: model.weights[i]! * loss,
    })),
  ]);
  return frontier(new Map(options)).map(({ params, sum }) => ({
    accuracy: accuracyOf(errorOfSum(model, sum)),
    totalBits: candidateBits(module, params),
    params,
  }));
}
