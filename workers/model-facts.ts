import { modelFacts } from '../src/convert/model-facts.ts';
import type { ModelDirectory } from '../src/io/model-directory.ts';
import type { ModelPlan, ModuleSpec } from '../src/model/plan.ts';
import { moduleWeights } from '../src/model/sizes.ts';
import { plainText } from '../src/util/plain-text.ts';
import type { ModelFacts, ModuleFacts } from './api.ts';

/** What the page shows of a model. */
export function pageFacts(source: ModelDirectory, plan: ModelPlan, tokenizerSize: number): ModelFacts {
  const { maxPositions, kvHeads, headDim } = plan.config;
  return {
    ...modelFacts(source, plan),
    contextLength: maxPositions,
    kvHeads,
    headDim,
    modules: plan.modules.map(moduleFacts),
    tokenizerSize,
    warnings: unusedTensors(plan),
  };
}

const moduleFacts = (module: ModuleSpec): ModuleFacts => ({
  key: module.key,
  kind: module.kind,
  layer: module.layer,
  weights: moduleWeights(module),
  linears: module.linears.map(({ name, k, n }) => ({ name, k, n })),
});

function unusedTensors({ unexpected, config }: ModelPlan): string[] {
  if (unexpected.length === 0) return [];
  const names = unexpected.slice(0, 3).join(', ');
  const more = unexpected.length > 3 ? ', …' : '';
  const text = `${config.architecture} has no use for ${unexpected.length} of the tensors; they will not be in the output: ${names}${more}`;
  return [plainText(text)];
}
