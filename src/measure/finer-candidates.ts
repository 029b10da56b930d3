import { type Candidate, distinctSettings } from '../exl2/candidates.ts';
import { settingKey } from '../exl2/groups.ts';
import type { LinearLosses } from '../measurement/measured-part.ts';
import {
  accuracyOf,
  errorOf,
  type MeasuredCandidate,
  type MeasuredError,
} from '../measurement/measurement-json.ts';
import { candidateBits } from '../measurement/module-candidates.ts';
import type { ChoiceSpec } from '../model/spec.ts';
import { type ErrorModel, errorOfSum, fitErrorModel } from './error-model.ts';
import { frontier, type LinearOption } from './frontier.ts';

/** What was measured of a choice's module. */
export interface MeasuredModule {
  /** Of each candidate. */
  readonly errors: readonly MeasuredError[];
  /** By the name of their parameters, of the candidates' settings in their order, then of others. */
  readonly losses: LinearLosses;
}

/** How a module's errors follow from its losses: token by token, and of whole rows. */
interface ModuleModels {
  readonly losses: LinearLosses;
  readonly byToken: ErrorModel;
  readonly whole: ErrorModel;
}

/**
 * The best mixes of all settings of a choice's linears, with the errors that its modules' trials predict for them:
 * see {@link fitErrorModel}.
 */
export function finerCandidates(
  choice: ChoiceSpec,
  candidates: readonly Candidate[],
  modules: readonly MeasuredModule[],
): MeasuredCandidate[] {
  const widths = new Map(choice.linears.map(({ paramsName, k }) => [paramsName, k]));
  const names = [...widths.keys()];
  const indices = names.map((name) => distinctSettings(candidates, name, widths.get(name)!).indexOf);
  const models = modules.map(({ errors, losses }): ModuleModels => {
    const lossesOf = candidates.map((_, i) =>
      names.map((name, at) => losses.get(name)![indices[at]![i]!]!.loss),
    );
    const modelOf = (values: readonly number[]): ErrorModel => fitErrorModel(lossesOf, values);
    return {
      losses,
      byToken: modelOf(errors.map((each) => errorOf('refined', each))),
      whole: modelOf(errors.map(({ accuracy }) => 1 - accuracy)),
    };
  });
  const options = names.map((name, at): [string, LinearOption[]] => [
    name,
    models[0]!.losses.get(name)!.map(({ params }, i) => ({
      params,
      bits: bitsOf(choice, name, params),
      part: models.reduce(
        (sum, { losses, byToken }) => sum + byToken.weights[at]! * losses.get(name)![i]!.loss,
        0,
      ),
    })),
  ]);
  const errorBy = (params: Candidate, model: 'byToken' | 'whole'): number => {
    const errors = models.map((module) => {
      const sum = names.reduce(
        (total, name, at) =>
          total + module[model].weights[at]! * lossOf(module.losses, name, widths.get(name)!, params),
        0,
      );
      return errorOfSum(module[model], sum);
    });
    return errors.length === 1 ? errors[0]! : Math.hypot(...errors);
  };
  return frontier(new Map(options)).map((params) => ({
    accuracy: accuracyOf(errorBy(params, 'whole')),
    tokenError: errorBy(params, 'byToken'),
    totalBits: candidateBits(choice, params),
    params,
  }));
}

/** Of all linears that have the parameters of this name. */
const bitsOf = ({ linears }: ChoiceSpec, name: string, params: Candidate[string]): number =>
  candidateBits({ linears: linears.filter(({ paramsName }) => paramsName === name) }, { [name]: params });

function lossOf(losses: LinearLosses, name: string, k: number, params: Candidate): number {
  const key = settingKey(k, params[name]!);
  return losses.get(name)!.find((setting) => settingKey(k, setting.params) === key)!.loss;
}
