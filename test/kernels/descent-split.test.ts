import { afterAll, expect, test } from 'vitest';
import { resolveGroups } from '../../src/exl2/groups.ts';
import { parseParams } from '../../src/exl2/params.ts';
import { descend } from '../../src/gptq/descent.ts';
import { quantizeCandidates } from '../../src/gptq/quantizer.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { descentSweep } from '../../src/kernels/descent/descent_sweep.ts';
import { descentSweepTiled } from '../../src/kernels/descent/descent_sweep_tiled.ts';
import { gemm } from '../../src/kernels/gemm/gemm.ts';
import { gemmTiled } from '../../src/kernels/gemm/gemm_tiled.ts';
import * as reference from '../../src/reference/gptq/descent.ts';
import { gram } from '../../src/reference/linalg/product.ts';
import { countDifferent } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { codesOfWords } from '../support/quantized-layout.ts';
import { randomFloats } from '../support/random.ts';
import { uploadFactor, uploadHessian } from '../support/triangle.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

// Two parts of the summed index, and a last block of 32 rows instead of 128.
const [k, n, SAMPLES] = [1056, 32, 48];

test('descent with split products, and through workgroup memory, gives the codes of f64, as the plain one does', async () => {
  const h = gram(randomFloats(SAMPLES * k, 1), SAMPLES, k);
  for (let i = 0; i < k; i++) h[i * k + i]! += 0.12 * SAMPLES;
  const w = randomFloats(k * n, 2);
  w[5] = 40;
  const groups = resolveGroups(k, parseParams('1:3b_32g'));

  const run = () =>
    withScope(gpu, async (scope) => {
      // No errors are fed forward: descent has the more to do.
      const identity = Float32Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0));
      const perm = Uint32Array.from({ length: k }, (_, i) => i);
      const hessian = uploadHessian(gpu, scope, h, perm);
      const factor = { k, perm, inverse: uploadFactor(gpu, scope, identity, k), hessian, attempts: 1 };
      const slices = [{ w: scope.upload(w, 'w'), n }];
      const [linears] = quantizeCandidates(
        gpu,
        scope,
        { what: 'linear', slices, factor, method: 'refined' as const },
        [groups],
      );
      const words = async (tensor: Parameters<typeof gpu.read>[0]) => new Uint32Array(await gpu.read(tensor));
      const { codes, scaleCodes, scaleMax } = linears![0]!;
      const scales = { scaleCodes: await words(scaleCodes), scaleMax: await words(scaleMax) };
      const swept = { codes: codesOfWords(await words(codes), n), ...scales };
      await descend(gpu, factor, slices, linears!, 1);
      return { swept, descended: codesOfWords(await words(codes), n) };
    });

  const plain = await run();
  gpu.prefer(gemm, gemmTiled);
  const split = await run();
  gpu.prefer(descentSweep, descentSweepTiled);
  const tiled = await run();
  const expected = reference.descend(w, plain.swept, h, n, groups, 1);
  expect(countDifferent(plain.swept.codes, expected)).toBeGreaterThan(k * n * 0.1);
  // f32 against f64: what lies at a tie may round the other way, and then moves later rows of its column.
  for (const { descended } of [plain, split, tiled])
    expect(countDifferent(descended, expected)).toBeLessThanOrEqual(k * n * 3e-3);
});
