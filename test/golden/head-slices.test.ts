import { afterAll, beforeAll, expect, test } from 'vitest';
import { headParams } from '../../src/exl2/candidates.ts';
import { factorHessian } from '../../src/gptq/factor.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { headSlices, loadLinear } from '../../src/model/gpu/weights.ts';
import { quantizeLinear } from '../../src/quantize/quantize-linear.ts';
import { gram } from '../../src/reference/linalg/product.ts';
import { GOLDEN_DIR } from '../support/architectures.ts';
import { stageContext } from '../support/conversion.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';
import { uploadTriangle } from '../support/triangle.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());

test('a head too wide for one buffer is written as if it had been quantized whole', async () => {
  const context = await stageContext(gpu, `${GOLDEN_DIR}/architectures/qwen2`);
  const { head } = context.plan;
  const slices = headSlices(head, 96 * head.k * 4);
  expect(slices.map(({ start, end }) => end - start)).toEqual([96, 96, 96, 32]);
  const whole = await quantizeIn(context, head.n * head.k * 4);
  expect(await quantizeIn(context, 96 * head.k * 4)).toEqual(whole);
  expect(gpu.memory.used).toBe(0);
});

/** The head's tensors, quantized in slices of so many bytes with the Hessian of random inputs. */
function quantizeIn(context: Awaited<ReturnType<typeof stageContext>>, sliceBytes: number) {
  const { head } = context.plan;
  return withScope(gpu, async (scope) => {
    const sum = uploadTriangle(gpu, scope, gram(randomFloats(200 * head.k, 3), 200, head.k), head.k);
    const options = { rows: 1, method: 'refined', keepHessian: false } as const;
    const factor = await factorHessian(gpu, scope, 'head', scope, sum, options);
    const weight = await loadLinear(gpu, scope, context.source, head, undefined, sliceBytes);
    return (await quantizeLinear(context, scope, head, weight, factor, headParams(6))).tensors;
  });
}
