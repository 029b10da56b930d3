import { expect, test } from 'vitest';
import { referenceForward } from '../../src/reference/model.ts';
import { architectureForward, architectureModel, nmse } from '../support/architectures.ts';
test.each(['minicpm', 'phi3_longrope', 'gemma', 'gemma2', 'glm4', 'orion'])('%s', async (name) => {
  const { plan, weight } = await architectureModel(name);
  const g = await architectureForward(name);
  const a = referenceForward(plan, weight, g.ids);
  console.log(name, a.hiddenStates.map((s, i) => nmse(s, g.hiddenStates[i]!)), nmse(a.logits, g.logits));
});
