import { type Candidate, distinctSettings } from '../exl2/candidates.ts';
import { settingKey, totalBits } from '../exl2/groups.ts';
import type { LinearLosses } from '../measurement/measured-part.ts';
import { accuracyOf, errorOf, type MeasuredCandidate } from '../measurement/measurement-json.ts';
import { candidateBits } from '../measurement/module-candidates.ts';
import type { ModuleSpec } from '../model/spec.ts';
import { type ErrorModel, errorOfSum, fitErrorModel } from './error-model.ts';
import { frontier, type LinearOption } from './frontier.ts';

/**
 * The best mixes of all settings of a module's linears, with the errors that the module's trials predict for them:
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
  const lossesOf = measured.map((_, candidate) => byLinear.map((ofCandidate) => ofCandidate[candidate]!));
  const modelOf = (errors: readonly number[]): ErrorModel => fitErrorModel(lossesOf, errors);
  const byToken = modelOf(measured.map((each) => errorOf('refined', each)));
  const whole = modelOf(measured.map(({ accuracy }) => 1 - accuracy));
  const options = linears.map(({ name, k, n, bias }, i): [string, LinearOption[]] => [
    name,
    losses.get(name)!.map(({ params, loss }) => ({
      params,
      bits: totalBits(k, n, params, bias !== undefined),
      part: byToken.weights[i]! * loss,
    })),
  ]);
  const lossOf = (name: string, k: number, params: Candidate): number => {
    const key = settingKey(k, params[name]!);
    return losses.get(name)!.find((setting) => settingKey(k, setting.params) === key)!.loss;
  };
  return frontier(new Map(options)).map(({ params, sum }) => {
    const wholeSum = linears.reduce(
      (total, { name, k }, i) => total + whole.weights[i]! * lossOf(name, k, params),
      0,
    );
    return {
      accuracy: accuracyOf(errorOfSum(whole, wholeSum)),
      tokenError: errorOfSum(byToken, sum),
      totalBits: candidateBits(module, params),
      params,
    };
  });
}
