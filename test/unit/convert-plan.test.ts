import { expect, test } from 'vitest';
import { checkTarget, type PlanRequest, planConversion } from '../../src/convert/plan-conversion.ts';
import { weightBytes } from '../../src/estimate/output-size.ts';
import { attentionCandidates, headParams, mlpCandidates } from '../../src/exl2/candidates.ts';
import { totalBits } from '../../src/exl2/groups.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { QUANTIZERS } from '../../src/job/settings.ts';
import { openModel } from '../../src/model/check/open-model.ts';
import { InputError } from '../../src/util/errors.ts';

const MODEL = 'public/models/tinystories-7m';
const { source, plan } = await openModel(nodeDirectory(MODEL), {});
const request: PlanRequest = {
  bits: 4,
  headBits: 6,
  quantizer: QUANTIZERS.exllamav2,
  measurement: { rows: 4, length: 128 },
  quantization: { rows: 8, length: 128 },
};
const planned = planConversion(source, plan, request);
const planWith = (changes: Partial<PlanRequest>) => planConversion(source, plan, { ...request, ...changes });

test('every module has the sizes of all its candidates, the head its own', () => {
  expect(planned.modules.map(({ key }) => key)).toEqual([...plan.modules.map(({ key }) => key), 'lm_head']);
  const [attention, mlp] = planned.modules;
  const bits = attentionCandidates().map((candidate) =>
    ['q_proj', 'k_proj', 'v_proj', 'o_proj'].reduce(
      (sum, name) =>
        sum + totalBits(256, name === 'q_proj' || name === 'o_proj' ? 256 : 128, candidate[name]!, false),
      0,
    ),
  );
  expect(attention!.candidateBits).toEqual(bits);
  expect(mlp!.candidateBits).toHaveLength(mlpCandidates(true).length);
  expect(mlp!.weights).toBe(3 * 256 * 768);
  expect(planned.modules.at(-1)!.candidateBits).toEqual([totalBits(256, 4096, headParams(6), false)]);
});

test('the output follows bits and head bits, and its parts sum up', () => {
  expect(Object.values(planned.outputParts).reduce((a, b) => a + b, 0)).toBe(planned.outputBytes);
  const { copied } = planned.outputParts;
  const weights = 6 * (256 * (256 + 128 + 128 + 256) + 3 * 256 * 768);
  expect(weightBytes(plan, 6, 4 * weights)).toBe(planned.outputBytes - copied);
  const larger = planWith({ bits: 5 });
  expect(larger.outputBytes - planned.outputBytes).toBe(weights / 8);
  expect(planWith({ headBits: 8 }).outputBytes).toBeGreaterThan(planned.outputBytes);
  // No candidate takes more than 8.2 bits.
  expect(planWith({ bits: 8 }).outputParts.modules).toBeLessThan((weights * 8.2) / 8);
});

test('longer rows need more memory of both kinds, more rows need none on the GPU', () => {
  const longer = planWith({ quantization: { rows: 8, length: 2048 } });
  expect(longer.gpuBytes).toBeGreaterThan(planned.gpuBytes);
  const more = planWith({ quantization: { rows: 800, length: 128 } });
  expect(more.gpuBytes).toBe(planned.gpuBytes);
  expect(more.memoryBytes - planned.memoryBytes).toBe(792 * 128 * 256 * 4);
  expect(more.diskBytes - planned.diskBytes).toBe(792 * 128 * 8);
});

test('states go to the GPU, to main memory and to disk, as far as there is room, and their disk is counted', () => {
  const all = 256 * 4 * 128 * (8 + 3 * 4);
  const { states } = planned;
  expect(states).toEqual({ gpuBytes: 0, memoryBytes: all, diskBytes: 0, diskSeconds: 0 });
  const beside = planned.memoryBytes - all;
  const large = planWith({ budgets: { gpuBytes: 2 ** 40, memoryBytes: 0 } });
  expect(large.states).toEqual({ gpuBytes: all, memoryBytes: 0, diskBytes: 0, diskSeconds: 0 });
  expect(large.diskBytes).toBe(planned.diskBytes);
  const none = { gpuBytes: 0, memoryBytes: beside };
  const two = planWith({ budgets: none, workers: 2 });
  expect(two.states).toMatchObject({ gpuBytes: 0, memoryBytes: 0, diskBytes: all });
  expect(two.diskBytes - planned.diskBytes).toBe(2 * all);
  // 12 modules; the measurement moves its 8 rows twice, the quantization its 20 three times.
  const row = 128 * 256 * 4;
  expect(two.states.diskSeconds).toBeCloseTo((12 * row * (2 * 8 + 3 * 20)) / 1e9);
  const streamed = two.memoryBytes - beside;
  expect(streamed).toBeGreaterThan(0);
  const some = planWith({ budgets: { gpuBytes: 0, memoryBytes: beside + streamed + 3 * row } });
  expect(some.states).toMatchObject({ memoryBytes: 3 * row, diskBytes: all - 3 * row });
  expect(some.memoryBytes).toBe(beside + streamed + 3 * row);
});

test('no buffer needs more than the whole', () => {
  // A row within the MLP; weights and Hessians are cut into what fits.
  expect(planned.gpuBufferBytes).toBe(128 * 768 * 4);
  expect(planned.gpuBufferBytes).toBeLessThan(planned.gpuBytes);
});

test('a target below the smallest allocation is refused with the range', () => {
  const { least, most } = planned.possibleBitsPerWeight;
  expect(least).toBeGreaterThan(2.4);
  expect(most).toBeLessThan(8.2);
  expect(() => planWith({ bits: 2.2 })).toThrow(InputError);
  expect(() => checkTarget(plan, 2.2, 'exllamav2')).toThrow(
    `2.200 bits per weight is too little: the candidates of these 12 modules allow ${(Math.ceil(least * 1000) / 1000).toString()} to`,
  );
  expect(() => checkTarget(plan, least + 0.001, 'exllamav2')).not.toThrow();
});
