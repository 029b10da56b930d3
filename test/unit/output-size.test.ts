import { expect, test } from 'vitest';
import { runningNeed, weightParts } from '../../src/estimate/output-size.ts';
import { architectureModel } from '../support/architectures.ts';
import { llamaPlan } from '../support/llama-plan.ts';

test('running takes the head and the norms besides the modules, and of each token keys and values', () => {
  const sizes = { hidden: 256, intermediate: 768, layers: 6, heads: 8, kvHeads: 4, vocab: 4096 };
  const plan = llamaPlan(sizes);
  const { weights, otherBytes, tokenBytes } = runningNeed(plan);
  expect(weights).toBe(6 * (256 * (256 + 128 + 128 + 256) + 3 * 256 * 768));
  // Two norms a layer and the last one, of halves.
  const norms = 2 * 256 * (2 * 6 + 1);
  expect(otherBytes[6]).toBe(norms + weightParts(plan, 6, 0).head);
  expect(otherBytes[8] - otherBytes[6]).toBe(128 * 4096 * (2 / 8));
  // Keys and values of 4 heads of 32 in 6 layers, 2 bytes each.
  expect(tokenBytes).toBe(2 * 6 * 4 * 32 * 2);
});

test('norms of heads count as often as they are stored', async () => {
  const { plan } = await architectureModel('qwen3');
  const { layers, hiddenSize, heads, kvHeads, headDim } = plan.config;
  const norms = hiddenSize * (2 * layers + 1) + layers * (heads + kvHeads) * headDim;
  expect(runningNeed(plan).otherBytes[4]).toBe(2 * norms + weightParts(plan, 4, 0).head);
});

test('the embedding stays in main memory whatever the source calls it; what is copied counts in its own dtype', async () => {
  const { plan } = await architectureModel('internlm2');
  expect(plan.embedding).not.toBe(plan.stored[0]!.name);
  const norms = 2 * plan.config.hiddenSize * (2 * plan.config.layers + 1);
  expect(runningNeed(plan).otherBytes[4]).toBe(norms + weightParts(plan, 4, 0).head);
  const copied = {
    name: 'visual.a',
    source: 'visual.a',
    shape: [3, 5],
    dtype: 'F32',
    copies: undefined,
  } as const;
  const seeing = { ...plan, stored: [...plan.stored, copied] };
  expect(runningNeed(seeing).otherBytes[4] - runningNeed(plan).otherBytes[4]).toBe(3 * 5 * 4);
});
