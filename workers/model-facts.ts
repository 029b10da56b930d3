import { runningNeed } from '../src/estimate/output-size.ts';
import { modelSummary } from '../src/job/model-summary.ts';
import type { OpenModel } from '../src/model/check/open-model.ts';
import { moduleWeights } from '../src/model/sizes.ts';
import type { ModuleSpec } from '../src/model/spec.ts';
import { plainText } from '../src/util/text/plain-text.ts';
import type { ModelFacts, ModuleFacts } from './api/model.ts';

/** What the page shows of a model. */
export function pageFacts({ source, plan, warnings }: OpenModel, tokenizerSize: number): ModelFacts {
  return {
    ...modelSummary(source, plan),
    contextLength: plan.config.maxPositions,
    running: runningNeed(plan),
    modules: plan.modules.map(moduleFacts),
    tokenizerSize,
    warnings: warnings.map((message) => plainText(message)),
  };
}

export const moduleFacts = (module: ModuleSpec): ModuleFacts => ({
  key: module.key,
  kind: module.mixer.kind,
  layer: module.layer,
  weights: moduleWeights(module),
  linears: module.linears.map(({ name, k, n }) => ({ name, k, n })),
});
