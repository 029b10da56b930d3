import { runningNeed } from '../src/estimate/output-size.ts';
import { modelSummary } from '../src/job/model-summary.ts';
import type { OpenModel } from '../src/model/check/open-model.ts';
import { moduleWeights } from '../src/model/sizes.ts';
import type { ChoiceSpec } from '../src/model/spec.ts';
import { plainText } from '../src/util/text/plain-text.ts';
import type { ModelFacts, ModuleFacts } from './api/model.ts';

/** What the page shows of a model. */
export function pageFacts({ source, plan, warnings }: OpenModel, tokenizerSize: number): ModelFacts {
  return {
    ...modelSummary(source, plan),
    contextLength: plan.config.maxPositions,
    running: runningNeed(plan),
    modules: plan.choices.map(choiceFacts),
    tokenizerSize,
    warnings: warnings.map((message) => plainText(message)),
  };
}

export const choiceFacts = (choice: ChoiceSpec): ModuleFacts => ({
  key: choice.key,
  kind: choice.modules[0]!.mixer.kind,
  layer: choice.layer,
  weights: moduleWeights(choice),
  linears: [
    ...new Map(
      choice.linears.map(({ paramsName: name, role, k, n }) => [name, { name, role, k, n }]),
    ).values(),
  ],
  ...expertCount(choice),
});

const expertCount = ({ modules }: ChoiceSpec): Pick<ModuleFacts, 'experts' | 'expertsPerToken'> => {
  const { mixer } = modules[0]!;
  if (mixer.kind !== 'experts') return {};
  const { experts, perToken: expertsPerToken } = mixer.router;
  return { experts, expertsPerToken };
};
