import { totalBits } from '../exl2/groups.ts';
import type { ModuleSpec } from '../model/plan.ts';
import { errorOfSum, fitErrorModel } from './error-model.ts';
import { frontier, type LinearOption } from './frontier.ts';
import { accuracyOf, type MeasuredCandidate } from './measurement-json.ts';
import { candidateBits } from './module-candidates.ts';
import type { LinearLosses } from './quantize-trials.ts';
import type { LinearTrials } from './trials.ts';

/**
 * The best mixes of all settings of a module's linears, with the accuracy that the module's trials predict for them:
 * see {@link fitErrorModel}.
 * @param measured the candidates that were tried, in the order of the trials.
 */
export function finerCandidates(
  module: ModuleSpec,
  trials: ReadonlyMap<string, LinearTrials>,
  losses: LinearLosses,
  measured: readonly MeasuredCandidate[],
): MeasuredCandidate[] {
  const { linears } = module;
  const lossOf = (name: string, trial: number) => losses.get(name)![trials.get(name)!.indexOf[trial]!]!.loss;
  const model = fitErrorModel(
    measured.map((_, trial) => linears.map(({ name }) => lossOf(name, trial))),
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
