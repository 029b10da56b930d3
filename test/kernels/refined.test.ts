/** The refined quantizer: its scale search, and descent over the codes. */

import { afterAll, describe, expect, test } from 'vitest';
import { BIT_WIDTHS, type Group } from '../../src/exl2/params.ts';
import { descend } from '../../src/gptq/descent.ts';
import { quantizeCandidates } from '../../src/gptq/quantizer.ts';
import { withScope } from '../../src/gpu/scope.ts';
import type { GpuTensor } from '../../src/gpu/tensor.ts';
import { descentSweep } from '../../src/kernels/descent/descent_sweep.ts';
import { descentSweepTiled } from '../../src/kernels/descent/descent_sweep_tiled.ts';
import { residual } from '../../src/kernels/descent/residual.ts';
import { columnCode } from '../../src/kernels/scale/column_code.ts';
import { scaleSearch } from '../../src/kernels/scale/scale_search.ts';
import { scaleSearchLarge } from '../../src/kernels/scale/scale_search_large.ts';
import * as reference from '../../src/reference/gptq/descent.ts';
import { quantizeLinear } from '../../src/reference/gptq/quantize-linear.ts';
import { fitColumns, REFINED_FACTORS, refinedScales } from '../../src/reference/gptq/refined-scales.ts';
import { baseScales } from '../../src/reference/gptq/scale-search.ts';
import { inverseFactor } from '../../src/reference/linalg/cholesky.ts';
import { gemm, gram } from '../../src/reference/linalg/product.ts';
import { codeValue, type QuantizedLinear, workingScale } from '../../src/reference/pack/values.ts';
import { f32ToF16Bits } from '../../src/util/half.ts';
import { countDifferent, expectExact, expectNmse } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { codesOfWords, groupsOf, randomCodes, rowTable, wordsOfCodes } from '../support/quantized-layout.ts';
import { randomFloats, randomIntegers, randomPermutation } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';
import { uploadFactor, uploadHessian } from '../support/triangle.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

const bitsOf = (...values: number[]): Uint32Array<ArrayBuffer> =>
  new Uint32Array(Float32Array.from(values).buffer);

describe.each(BIT_WIDTHS)('scales of a group, %i bits', (bits) => {
  // Two candidates; the job is the second one's, rows 32 to 95 of 96.
  const [k, n, start, end] = [96, 96, 32, 96];
  const jobs = Uint32Array.of(1, start, end, bits, start, 2);
  const current = randomFloats(2 * 128 * n, bits).map((value, i) => {
    if (i % n === 7) return 0;
    return i % n === 8 ? value * 50 : value / 30; // a column of zeros, one of outliers
  });
  const diagonal = randomFloats(k, 3).map((value) => 0.2 + Math.abs(value));
  // The block's columns for each candidate; it begins at row 32.
  const u = new Float32Array(2 * k * 256);
  for (let r = start; r < k; r++) u[(k + r) * 256 + r - start] = diagonal[r]!;
  const rows = current.subarray(128 * n, (128 + end - start) * n);
  const weights = Array.from({ length: end - start }, (_, i) => 1 / diagonal[start + i]! ** 2);
  const bases = baseScales(rows, n, bits);
  const base = Float32Array.from([...new Float32Array(n), ...bases]);
  const widest = Math.max(...bases);

  test.each([scaleSearch, scaleSearchLarge])('$name: error of every factor in every tile', async (kernel) => {
    const outputs = { partial: new Float32Array(2 * 3 * 12) };
    const tensors = { current, u, base, unit: bitsOf(0, 0, widest), jobs, ...outputs };
    const scalars = { k, n, job: 0, firstTile: 0, tiles: 3, jobCount: 1 };
    const { partial } = await runKernel(gpu, kernel, scalars, tensors);
    const expected = [0, 1, 2].flatMap((tile) =>
      REFINED_FACTORS.map((factor) =>
        fitColumns(rows, n, bits, weights, f32ToF16Bits(widest * factor))
          .slice(tile * 32, tile * 32 + 32)
          .reduce((sum, { error }) => sum + error, 0),
      ),
    );
    expectExact(partial.subarray(0, 36), new Float32Array(36));
    // Sums of squares of differences that may cancel; those weigh little in the sum.
    expectNmse(partial.subarray(36), expected, 1e-9);
  });

  test('column_code: the best code of every column', async () => {
    const scaleMax = f32ToF16Bits(widest * 0.8);
    const outputs = { scaleCodes: new Uint32Array(3 * n) };
    const tensors = { current, u, base, scaleMax: Uint32Array.of(0, 0, scaleMax), jobs, ...outputs };
    const { scaleCodes } = await runKernel(gpu, columnCode, { k, n, job: 0, jobCount: 1 }, tensors);
    const fits = fitColumns(rows, n, bits, weights, scaleMax);
    const codes = scaleCodes.subarray(2 * n);
    // Two codes may err nearly alike.
    expect(
      countDifferent(
        codes,
        fits.map(({ code }) => code),
      ),
    ).toBeLessThanOrEqual(1);
    expectExact(scaleCodes.subarray(0, 2 * n), new Uint32Array(2 * n));
  });
});

const GROUPS = groupsOf([
  [6, 32],
  [4, 64],
  [2, 64],
]);

function randomScales(groups: readonly Group[], n: number) {
  return {
    scaleMax: Uint32Array.from(groups, ({ bits }) => f32ToF16Bits(3 / 2 ** bits)),
    scaleCodes: randomIntegers(groups.length * n, 16, 5).map((code) => code + 1),
  };
}

/** Values (k, n) of codes in act-order. */
const valuesOf = ({ codes, scaleCodes, scaleMax }: QuantizedLinear, n: number, groups: readonly Group[]) =>
  groups.flatMap(({ bits, start, end }, group) =>
    Array.from({ length: (end - start) * n }, (_, i) =>
      codeValue(
        codes[start * n + i]!,
        bits,
        workingScale(scaleCodes[group * n + (i % n)]!, scaleMax[group]!),
      ),
    ),
  );

test.each([33, 96])('residual: W − Q in act-order, n %i', async (n) => {
  const k = 160;
  const codes = randomCodes(GROUPS, n, 4);
  const scales = randomScales(GROUPS, n);
  const w = randomFloats(k * n, 6);
  const perm = randomPermutation(k, 7);
  const tensors = { w, codes: wordsOfCodes(codes, n), ...scales, rows: rowTable(GROUPS), perm };
  const { d } = await runKernel(gpu, residual, { k, n }, { ...tensors, d: new Float32Array(k * n) });
  const values = valuesOf({ codes, ...scales }, n, GROUPS);
  expectExact(
    d,
    Float32Array.from(values, (value, i) => w[perm[Math.floor(i / n)]! * n + (i % n)]! - value),
  );
});

/** A Hessian of correlated inputs, permuted already and damped. */
function dampedHessian(k: number, seed: number): Float64Array {
  const shared = randomFloats(2 * k, seed);
  const x = randomFloats(2 * k * k, seed + 1).map((value, i) => value + 2 * shared[Math.floor(i / k)]!);
  const h = gram(x, 2 * k, k);
  const mean = h.reduce((sum, value, i) => (i % (k + 1) === 0 ? sum + value / k : sum), 0);
  for (let i = 0; i < k; i++) h[i * k + i]! += 0.12 * mean;
  return h;
}

/** tr(DᵀHD) */
function lossOf(w: ArrayLike<number>, values: readonly number[], h: Float64Array, n: number): number {
  const k = w.length / n;
  const d = Float64Array.from(values, (value, i) => w[i]! - value);
  let loss = 0;
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      for (let column = 0; column < n; column++)
        loss += h[i * k + j]! * d[i * n + column]! * d[j * n + column]!;
    }
  }
  return loss;
}

// The tiled form takes blocks of at most 128 rows.
test.each([
  ['descent_sweep', descentSweep, [0, 160]],
  ['descent_sweep', descentSweep, [0, 32, 160]],
  ['descent_sweep_tiled', descentSweepTiled, [0, 32, 160]],
  ['descent_sweep_tiled', descentSweepTiled, [0, 128, 160]],
] as const)('%s: each code of a block is the best while all others stay, %#', async (_, kernel, blocks) => {
  const [k, n] = [160, 40];
  const codes = randomCodes(GROUPS, n, 8);
  const scales = randomScales(GROUPS, n);
  scales.scaleMax[2] = 0; // a group without a scale keeps its codes
  const h = Float32Array.from(dampedHessian(k, 9));
  const w = randomFloats(k * n, 10);
  const before = valuesOf({ codes, ...scales }, n, GROUPS);
  let after = { codes: wordsOfCodes(codes, n), d: Float32Array.from(before, (value, i) => w[i]! - value) };
  for (const [i, start] of blocks.slice(0, -1).entries()) {
    const end = blocks[i + 1]!;
    const rows = h.subarray(start * k, end * k);
    const gradient = Float32Array.from(gemm(rows, after.d, end - start, n, k));
    const tensors = { ...after, h: rows, ...scales, rows: rowTable(GROUPS), gradient };
    after = await runKernel(gpu, kernel, { k, n, start, end }, tensors);
  }
  const actual = codesOfWords(after.codes, n);
  const expected = reference.descend(w, { codes, ...scales }, h, n, GROUPS, 1);
  // f32 against f64: what lies at a tie may round the other way, and then moves later rows of its column.
  expect(countDifferent(actual, expected)).toBeLessThanOrEqual(k * n * 2e-3);
  expectExact(actual.subarray(96 * n), codes.subarray(96 * n));
  const values = valuesOf({ codes: actual, ...scales }, n, GROUPS);
  expectNmse(
    after.d,
    values.map((value, i) => w[i]! - value),
    1e-12,
  );
});

describe.each([
  [96, 64],
  [288, 96],
])('a linear, k %i, n %i', (k, n) => {
  const groups = groupsOf([
    [5, 32],
    [4, 64],
    ...(k > 96
      ? ([
          [3, 128],
          [2, 64],
        ] as const)
      : []),
  ]);
  const h = dampedHessian(k, k);
  const u = Float32Array.from(inverseFactor(h, k));
  const perm = randomPermutation(k, 12);
  const w = randomFloats(k * n, 13).map((value, i) => (i % n === 9 ? value : value / 50));
  const permuted = Float64Array.from({ length: k * n }, (_, i) => w[perm[Math.floor(i / n)]! * n + (i % n)]!);
  const lossAfter = (result: QuantizedLinear) => lossOf(permuted, valuesOf(result, n, groups), h, n);

  /** What the shipped quantizer makes of it, before and after descent, and the loss that it tells. */
  const run = withScope(gpu, async (scope) => {
    const hessian = uploadHessian(gpu, scope, h, perm);
    const factor = { k, perm, inverse: uploadFactor(gpu, scope, u, k), hessian, attempts: 1 };
    const slices = [{ w: scope.upload(w, 'w'), n }];
    const told: Promise<number[]>[] = [];
    const onLosses = (losses: Promise<number[]>) => void told.push(losses);
    const input = { what: 'linear', slices, factor, method: 'refined' as const, onLosses };
    const [linears] = quantizeCandidates(gpu, scope, input, [groups]);
    const { codes, scaleCodes, scaleMax } = linears![0]!;
    const read = async (tensor: GpuTensor) => new Uint32Array(await gpu.read(tensor));
    const scales = { scaleCodes: await read(scaleCodes), scaleMax: await read(scaleMax) };
    const swept = { codes: codesOfWords(await read(codes), n), ...scales };
    await descend(gpu, factor, slices, linears!, 3);
    const descended = { codes: codesOfWords(await read(codes), n), ...scales };
    return { swept, descended, told: (await told[0]!)[0]! };
  });

  test('scales and codes as in f64', async () => {
    const { swept } = await run;
    const expected = quantizeLinear(permuted, u, n, groups, refinedScales);
    expect(Array.from(swept.scaleMax)).toEqual(Array.from(expected.scaleMax));
    // Two scales of a column may err nearly alike; the codes of its rows then differ.
    const other = countDifferent(swept.scaleCodes, expected.scaleCodes);
    expect(other).toBeLessThanOrEqual(1);
    expect(countDifferent(swept.codes, expected.codes)).toBeLessThanOrEqual(k * n * 1e-3 + other * 128);
  });

  test('the loss that it tells is tr(DᵀHD)', async () => {
    const { swept, told } = await run;
    // The sum is over squares of f32 errors that have gone through k rows.
    expect(told / lossAfter(swept)).toBeCloseTo(1, 3);
  });

  test('descent gives what f64 gives, with less loss', async () => {
    const { swept, descended } = await run;
    const expected = reference.descend(permuted, swept, h, n, groups, 3);
    expect(countDifferent(descended.codes, expected)).toBeLessThanOrEqual(k * n * 3e-3);
    expect(lossAfter(descended)).toBeLessThan(0.97 * lossAfter(swept));
  });
});
