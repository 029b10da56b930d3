/** The quantizer's kernels in their sequence, against the format's algorithm followed literally in f64. */

import { afterAll, describe, expect, test, vi } from 'vitest';
import { BIT_WIDTHS, type BitWidth, type Group } from '../../src/exl2/params.ts';
import type { GpuLinear } from '../../src/gptq/gpu-linear.ts';
import type { QuantizerMethod } from '../../src/gptq/method.ts';
import { quantizeSlices } from '../../src/gptq/quantize-slices.ts';
import { quantizeCandidates } from '../../src/gptq/quantizer.ts';
import { type Scope, withScope } from '../../src/gpu/scope.ts';
import type { GpuTensor } from '../../src/gpu/tensor.ts';
import { quantizeLinear } from '../../src/reference/gptq/quantize-linear.ts';
import { inverseFactor } from '../../src/reference/linalg/cholesky.ts';
import { gram } from '../../src/reference/linalg/product.ts';
import type { QuantizedLinear } from '../../src/reference/pack/values.ts';
import { countDifferent } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { codesOfWords, groupsOf } from '../support/quantized-layout.ts';
import { randomFloats, randomPermutation } from '../support/random.ts';
import { uploadFactor } from '../support/triangle.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

const METHODS = ['refined', 'exllamav2'] as const satisfies readonly QuantizerMethod[];

interface Linear {
  /** (k, n), rows by input feature. */
  readonly w: Float32Array<ArrayBuffer>;
  /** (k, k), upper. */
  readonly u: Float32Array<ArrayBuffer>;
  /** Input feature of each row. */
  readonly perm: Uint32Array<ArrayBuffer>;
  readonly k: number;
  readonly n: number;
}

/** What the shipped quantizer makes of a linear, one result for each candidate; `widths`: of the weight's slices. */
function quantize({ w, u, perm, k, n }: Linear, candidates: readonly (readonly Group[])[], widths = [n]) {
  return withScope(gpu, async (scope): Promise<QuantizedLinear[]> => {
    const factor = { k, perm, inverse: uploadFactor(gpu, scope, u, k), attempts: 1 };
    const starts = widths.map((_, i) => widths.slice(0, i).reduce((a, b) => a + b, 0));
    const slices = widths.map((width, i) => ({
      w: scope.upload(columnsOf(w, n, starts[i]!, width), 'w'),
      n: width,
    }));
    const read = async (tensor: GpuTensor) => new Uint32Array(await gpu.read(tensor));
    const results = quantizeCandidates(
      gpu,
      scope,
      { what: 'linear', slices, factor, method: 'exllamav2' },
      candidates,
    );
    return Promise.all(
      results.map(async (linears) => {
        const { groups, firstGroup } = linears[0]!;
        const codes = await Promise.all(
          linears.map(async (linear) => codesOfWords(await read(linear.codes), linear.n)),
        );
        const scaleCodes = await Promise.all(
          linears.map(async (linear) =>
            (await read(linear.scaleCodes)).slice(
              firstGroup * linear.n,
              (firstGroup + groups.length) * linear.n,
            ),
          ),
        );
        const scaleMax = (await read(linears[0]!.scaleMax)).slice(firstGroup, firstGroup + groups.length);
        return { codes: beside(codes, widths), scaleCodes: beside(scaleCodes, widths), scaleMax };
      }),
    );
  });
}

const columnsOf = (
  matrix: Float32Array,
  n: number,
  start: number,
  width: number,
): Float32Array<ArrayBuffer> =>
  Float32Array.from(matrix.filter((_, i) => i % n >= start && i % n < start + width));

/** Matrices of these widths beside each other. */
function beside(parts: readonly ArrayLike<number>[], widths: readonly number[]): Uint32Array {
  const rows = parts[0]!.length / widths[0]!;
  return Uint32Array.from(
    Array.from({ length: rows }, (_, row) =>
      parts.flatMap((part, i) =>
        Array.from({ length: widths[i]! }, (_, column) => part[row * widths[i]! + column]!),
      ),
    ).flat(),
  );
}

/** A weight with a column of zeros and one of outliers, and the factor of a damped Hessian of correlated inputs. */
function randomLinear(k: number, n: number, seed: number): Linear {
  const shared = randomFloats(2 * k, seed);
  const x = randomFloats(2 * k * k, seed + 1).map((value, i) => value + 2 * shared[Math.floor(i / k)]!);
  const h = gram(x, 2 * k, k);
  const mean = h.reduce((sum, value, i) => (i % (k + 1) === 0 ? sum + value / k : sum), 0);
  for (let i = 0; i < k; i++) h[i * k + i]! += 0.12 * mean;
  const w = randomFloats(k * n, seed + 2).map((value, i) => {
    if (i % n === 5 % n) return 0;
    return i % n === 9 ? value : value / 50;
  });
  return { w, u: Float32Array.from(inverseFactor(h, k)), perm: randomPermutation(k, seed + 3), k, n };
}

function expectLike(actual: QuantizedLinear, { w, u, perm, k, n }: Linear, groups: readonly Group[]): void {
  const permuted = Float64Array.from({ length: k * n }, (_, i) => w[perm[Math.floor(i / n)]! * n + (i % n)]!);
  const expected = quantizeLinear(permuted, u, n, groups);
  // f32 against f64: only a number within about 1e-6 of a tie may round the other way. For a code that is one in
  // many thousand, but it changes what the rows after it make up for, in its column only.
  expect(countDifferent(actual.codes, expected.codes)).toBeLessThanOrEqual(k * n * 1e-3);
  expect(countDifferent(actual.scaleCodes, expected.scaleCodes)).toBeLessThanOrEqual(1);
  // The product unit·p may be a few f32 ulps off, on the other side of a tie of f16.
  const steps = Array.from(expected.scaleMax, (bits, i) => Math.abs(bits - actual.scaleMax[i]!));
  expect(Math.max(...steps)).toBeLessThanOrEqual(1);
  expect(steps.filter((step) => step > 0).length).toBeLessThanOrEqual(1);
}

test.each(BIT_WIDTHS)('%i bits, a short last group', async (bits) => {
  const linear = randomLinear(160, 64, bits);
  const groups = groupsOf([
    [bits, 64],
    [bits, 64],
    [bits, 32],
  ]);
  const [actual] = await quantize(linear, [groups]);
  expectLike(actual!, linear, groups);
});

describe.each([
  [32, 32],
  [224, 96],
  [256, 160],
])('candidates of different groups and widths at once, k %i, n %i', (k, n) => {
  const layouts: (readonly (readonly [BitWidth, number])[])[] = [
    [
      [8, 128],
      [4, 128],
    ],
    [
      [6, 32],
      [5, 32],
      [5, 32],
      [4, 32],
      [3, 96],
      [2, 32],
    ],
    [
      [3, 64],
      [3, 64],
      [3, 64],
      [3, 32],
    ],
    [
      [5, 32],
      [4, 128],
      [4, 64],
    ],
  ];
  const linear = randomLinear(k, n, k);
  const candidates = layouts.map((layout) => cut(groupsOf(layout), k));
  const run = quantize(linear, candidates);

  test.each(candidates.map((groups, i) => [i, groups] as const))('candidate %i', async (i, groups) => {
    expectLike((await run)[i]!, linear, groups);
  });

  test('a candidate alone gives the same bits as among others', async () => {
    const [alone] = await quantize(linear, [candidates[1]!]);
    expect(alone).toEqual((await run)[1]);
  });
});

test('weights of zero', async () => {
  const linear = { ...randomLinear(64, 32, 1), w: new Float32Array(64 * 32) };
  const [actual] = await quantize(linear, [groupsOf([[4, 64]])]);
  expect(new Set(actual!.codes as Uint8Array)).toEqual(new Set([8]));
  expect(actual!.scaleMax[0]).toBe(0);
});

/** `groups` of the first k rows; the last group is lengthened to 128 rows at most, or repeated, up to k. */
function cut(groups: readonly Group[], k: number): Group[] {
  const cut = groups
    .filter(({ start }) => start < k)
    .map((group) => ({ ...group, end: Math.min(group.end, k) }));
  while (cut.at(-1)!.end < k) {
    const { bits, end } = cut.at(-1)!;
    cut.push({ bits, start: end, end: Math.min(end + 128, k) });
  }
  return cut;
}

test('a weight in slices of its columns gives the bits that it gives whole', async () => {
  const linear = randomLinear(160, 160, 77);
  const groups = groupsOf([
    [6, 32],
    [4, 128],
  ]);
  const [whole] = await quantize(linear, [groups]);
  const [sliced] = await quantize(linear, [groups], [32, 96, 32]);
  // Tiles of the scale search are summed in the same order, so nothing may differ.
  expect(sliced).toEqual({ ...whole, codes: Uint32Array.from(whole!.codes), scaleCodes: whole!.scaleCodes });
});

describe.each(METHODS)('%s, one slice at a time on the GPU', (method) => {
  test('gives the codes and scales that all at once give', async () => {
    const { w, u, perm, k, n } = randomLinear(320, 160, 78);
    // The second block of rows begins with the fourth group.
    const groups = groupsOf([
      [8, 64],
      [6, 64],
      [6, 128],
      [4, 32],
      [3, 32],
    ]);
    const columns = [32, 96, 32];
    await withScope(gpu, async (scope) => {
      const factor = { k, perm, inverse: uploadFactor(gpu, scope, u, k), attempts: 1 };
      const slice = (owner: Scope, i: number) => {
        const start = columns.slice(0, i).reduce((a, b) => a + b, 0);
        return { w: owner.upload(columnsOf(w, n, start, columns[i]!), 'w'), n: columns[i]! };
      };
      const slices = columns.map((_, i) => slice(scope, i));
      const input = { what: 'linear', factor, method };
      const [whole] = quantizeCandidates(gpu, scope, { ...input, slices }, [groups]);
      const read = ({ codes, scaleCodes, scaleMax }: GpuLinear) =>
        Promise.all(
          [codes, scaleCodes, scaleMax].map(async (tensor) => new Uint32Array(await gpu.read(tensor))),
        );
      const taken: Uint32Array[][] = [];
      const load = vi.fn(async (owner: Scope, i: number) => slice(owner, i));
      await quantizeSlices(gpu, { ...input, columns, load }, groups, async (_, { n }, linear) => {
        expect(n).toBe(columns[taken.length]);
        taken.push(await read(linear));
      });
      expect(load).toHaveBeenCalledTimes(columns.length * (groups.length + 1));
      expect(taken).toEqual(await Promise.all(whole!.map(read)));
      expect(new Set(taken[1]![0]).size).toBeGreaterThan(100);
    });
  });
});
