import { afterAll, describe, expect, test } from 'vitest';
import { BIT_WIDTHS } from '../../src/exl2/params.ts';
import { blockUpdate, blockUpdateLarge } from '../../src/kernels/gptq/block_update.ts';
import { blockUpdateTiled } from '../../src/kernels/gptq/block_update_tiled.ts';
import { groupSweep, groupSweepLarge } from '../../src/kernels/gptq/group_sweep.ts';
import { groupUpdate, groupUpdateLarge } from '../../src/kernels/gptq/group_update.ts';
import { columnScale } from '../../src/kernels/scale/column_scale.ts';
import { scaleChoice } from '../../src/kernels/scale/scale_choice.ts';
import { scaleError } from '../../src/kernels/scale/scale_error.ts';
import * as reference from '../../src/reference/gptq/scale-search.ts';
import { gemm, transpose } from '../../src/reference/linalg/product.ts';
import { codeValue, workingScale } from '../../src/reference/pack/values.ts';
import { f32ToF16Bits } from '../../src/util/half.ts';
import { expectExact, expectNmse, expectUlps } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { codesOfWords } from '../support/quantized-layout.ts';
import { randomFloats, randomIntegers, randomPermutation } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

/** Bits of f32 values. */
const bitsOf = (...values: number[]): Uint32Array<ArrayBuffer> =>
  new Uint32Array(Float32Array.from(values).buffer);

// Jobs: candidate, start, end, bits, group, group among all. Two candidates; the first entry belongs to an earlier
// step and must be left alone.
const N = 96;
const JOBS = Uint32Array.of(0, 0, 128, 8, 0, 0, 0, 32, 64, 3, 1, 1, 1, 64, 192, 5, 1, 3);
const STEP = { n: N, job: 1, jobCount: 2, firstTile: 0, tiles: N / 32 };
const current = randomFloats(2 * 128 * N, 1).map((value, i) => (i % N === 7 ? 0 : value / 30));
const GROUPS = [
  { candidate: 0, rows: 32, bits: 3, index: 1 },
  { candidate: 1, rows: 128, bits: 5, index: 3 },
];
const rowsOf = (candidate: number, rows: number): Float32Array =>
  current.subarray(candidate * 128 * N, (candidate * 128 + rows) * N);
const BASES = GROUPS.map(({ candidate, rows, bits }) =>
  reference.baseScales(rowsOf(candidate, rows), N, bits),
);
const UNITS = BASES.map((base) => Math.max(...base));

test('column_scale: bases within the ulps of a quotient, the unit is the largest of them', async () => {
  const tensors = { current, jobs: JOBS, base: new Float32Array(2 * N), unit: new Uint32Array(4) };
  const { base, unit } = await runKernel(gpu, columnScale, STEP, tensors);
  // A sum and a quotient (2.5 ulps), its divisor exact.
  expectUlps(
    base,
    BASES.flatMap((values) => [...values]),
    4,
  );
  expectExact(unit, bitsOf(0, Math.max(...base.subarray(0, N)), 0, Math.max(...base.subarray(N))));
});

test('scale_error: scale codes, and the error of every factor in every tile', async () => {
  const tensors = {
    current,
    base: Float32Array.from(BASES.flatMap((values) => [...values])),
    unit: bitsOf(0, UNITS[0]!, 0, UNITS[1]!),
    jobs: JOBS,
    partial: new Float32Array(2 * 3 * 97),
    scaleCodes: new Uint32Array(4 * N),
  };
  const { partial, scaleCodes } = await runKernel(gpu, scaleError, STEP, tensors);
  const expectedCodes = new Uint32Array(4 * N);
  const expected: number[] = [];
  GROUPS.forEach(({ candidate, rows, bits, index }, i) => {
    const codes = reference.scaleCodes(BASES[i]!, UNITS[i]!);
    expectedCodes.set(codes, index * N);
    for (let tile = 0; tile < N; tile += 32) {
      const values = rowsOf(candidate, rows).filter((_, at) => at % N >= tile && at % N < tile + 32);
      expected.push(...reference.scaleErrors(values, codes.subarray(tile, tile + 32), UNITS[i]!, bits));
    }
  });
  expectExact(scaleCodes, expectedCodes); // none of these lies near a tie
  // Powers of differences: where a weight lies close to its rounded value the difference cancels, but then it
  // weighs nothing in the sum.
  expectUlps(partial, expected, 200);
});

describe('scale_choice', () => {
  const choose = async (partial: Float32Array<ArrayBuffer>, unit: number): Promise<number> => {
    const tensors = {
      partial,
      unit: bitsOf(unit),
      jobs: Uint32Array.of(0, 0, 32, 4, 0, 0),
      scaleMax: new Uint32Array(1),
    };
    const tiles = partial.length / 97;
    return (
      await runKernel(
        gpu,
        scaleChoice,
        { tiles, job: 0, factors: 97, least: 0.7, most: 1.2, jobCount: 1 },
        tensors,
      )
    ).scaleMax[0]!;
  };

  test.each([0, 1, 48, 95, 96])('factor %i with the smallest sum over the tiles', async (best) => {
    // No tile alone has its minimum there.
    const partial = Float32Array.from({ length: 3 * 97 }, (_, i) => {
      const [tile, factor] = [Math.floor(i / 97), i % 97];
      return factor === best ? 5 : factor % 3 === tile ? 1 : 10;
    });
    expect(
      Math.abs((await choose(partial, 0.3)) - f32ToF16Bits(0.3 * reference.FACTORS[best]!)),
    ).toBeLessThanOrEqual(1);
  });

  test('of equal errors the first', async () => {
    const partial = new Float32Array(97).fill(2);
    partial[40] = 1;
    partial[41] = 1;
    expect(await choose(partial, 1)).toBe(f32ToF16Bits(reference.FACTORS[40]!));
  });

  test('the unit is rounded to half precision, subnormals too', async () => {
    const partial = Float32Array.from({ length: 97 }, (_, i) => 97 - i); // the last factor, 1.2
    expect(await choose(partial, 2 ** -20)).toBe(f32ToF16Bits(1.2 * 2 ** -20));
    expect(await choose(partial, 1e-12)).toBe(0);
  });
});

/** Of U (k, k) what a block of each candidate reads: its columns, from row `first` on, at (candidate, row, column − first). */
function blockColumns(
  u: Float32Array,
  k: number,
  firsts: ReadonlyMap<number, number>,
): Float32Array<ArrayBuffer> {
  const columns = new Float32Array(2 * k * 256);
  for (const [candidate, first] of firsts) {
    for (let row = 0; row < k; row++) {
      const own = u.subarray(row * k + first, row * k + Math.min(k, first + 256));
      columns.set(own, (candidate * k + row) * 256);
    }
  }
  return columns;
}

describe('updates', () => {
  /** Σ_{first≤i<start} U[i, r] · E[i, j] for rows start ≤ r < end, (end − start, n). */
  function fedErrors(
    u: Float32Array,
    e: Float32Array,
    k: number,
    n: number,
    rows: { first: number; start: number; end: number },
  ) {
    const { first, start, end } = rows;
    const count = start - first;
    const errors = e.subarray(first * n, start * n);
    const fed = gemm(transpose(u.subarray(first * k, start * k), count, k), errors, k, n, count);
    return fed.slice(start * n, end * n);
  }
  /** The first row of the block of each job's candidate, which is word number `word` of the job. */
  const firstsOf = (jobs: Uint32Array, job: number, jobCount: number, word: number) =>
    new Map(
      Array.from(
        { length: jobCount },
        (_, i) => [jobs[(job + i) * 6]!, jobs[(job + i) * 6 + word]!] as const,
      ),
    );
  const upper = (k: number) =>
    randomFloats(k * k, 3).map((value, i) => (i % k >= Math.floor(i / k) ? value / 10 : 0));

  describe.each([blockUpdate, blockUpdateLarge, blockUpdateTiled])('$name', (kernel) => {
    test.each([
      [64, 32],
      [224, 160],
      [512, 96],
    ])('k %i, n %i', async (k, n) => {
      const [w, u, e] = [randomFloats(k * n, 2), upper(k), randomFloats(2 * k * n, 5)];
      w[3] = 1e4; // an outlier in a block's first row
      const perm = randomPermutation(k, 4);
      const jobs = Uint32Array.of(0, 32, 64, 0, 0, 0, 1, 0, Math.min(k, 256), 0, 0, 0, 0, k - 40, k, 0, 0, 0);
      const all = { w, perm, e, jobs, pending: new Float32Array(2 * 256 * n) };
      for (const [job, jobCount] of [
        [0, 2],
        [2, 1],
      ] as const) {
        const own = blockColumns(u, k, firstsOf(jobs, job, jobCount, 1));
        const { pending } = await runKernel(gpu, kernel, { k, n, job, jobCount }, { ...all, u: own });
        for (let i = job; i < job + jobCount; i++) {
          const [candidate, start, end] = [jobs[i * 6]!, jobs[i * 6 + 1]!, jobs[i * 6 + 2]!];
          const errors = e.subarray(candidate * k * n, (candidate + 1) * k * n);
          const expected = fedErrors(u, errors, k, n, { first: 0, start, end }).map(
            (fed, at) => w[perm[start + Math.floor(at / n)]! * n + (at % n)]! - fed,
          );
          // f32 sums over the rows before, as in a matrix product.
          const from = candidate * 256 * n;
          expectNmse(pending.slice(from, from + (end - start) * n), expected, 1e-12);
        }
      }
    });
  });

  describe.each([groupUpdate, groupUpdateLarge])('$name', (kernel) => {
    test.each([
      [64, 32],
      [224, 160],
    ])('k %i, n %i', async (k, n) => {
      const [u, e, pending] = [upper(k), randomFloats(2 * k * n, 5), randomFloats(2 * 256 * n, 2)];
      // Candidate, start, end, bits, first row of the block, index.
      const jobs = Uint32Array.of(
        0,
        32,
        64,
        4,
        0,
        1,
        1,
        32,
        Math.min(k, 160),
        4,
        32,
        2,
        0,
        k - 32,
        k,
        3,
        k - 64,
        2,
      );
      const all = { pending, e, jobs, current: new Float32Array(2 * 128 * n) };
      for (const [job, jobCount] of [
        [0, 2],
        [2, 1],
      ] as const) {
        const own = blockColumns(u, k, firstsOf(jobs, job, jobCount, 4));
        const { current } = await runKernel(gpu, kernel, { k, n, job, jobCount }, { ...all, u: own });
        for (let i = job; i < job + jobCount; i++) {
          const [candidate, start, end, , first] = Array.from(jobs.subarray(i * 6, i * 6 + 5));
          const errors = e.subarray(candidate! * k * n, (candidate! + 1) * k * n);
          const rows = { first: first!, start: start!, end: end! };
          const from = (candidate! * 256 + start! - first!) * n;
          const expected = fedErrors(u, errors, k, n, rows).map((fed, at) => pending[from + at]! - fed);
          const at = candidate! * 128 * n;
          expectNmse(current.slice(at, at + (end! - start!) * n), expected, 1e-12);
        }
      }
    });
  });
});

describe.each(
  BIT_WIDTHS.flatMap((bits) => [
    { kernel: groupSweep, bits, n: 33 },
    { kernel: groupSweepLarge, bits, n: 96 },
  ]),
)('$kernel.name, $bits bits', ({ kernel, bits, n }) => {
  const [k, start, end] = [96, 32, 96];
  const u = randomFloats(k * k, 6).map((value, i) =>
    i % (k + 1) === 0 ? 1 + Math.abs(value) : i % k > Math.floor(i / k) ? value / 50 : 0,
  );
  const scaleMax = Uint32Array.of(0, 0, f32ToF16Bits(2 / 2 ** bits));
  const scaleCodes = randomIntegers(3 * n, 16, 7).map((code) => code + 1);
  const scales = Array.from({ length: n }, (_, j) => workingScale(scaleCodes[2 * n + j]!, scaleMax[2]!));
  const jobs = Uint32Array.of(1, start, end, bits, 0, 2); // the block begins at row 0
  const zero = 2 ** (bits - 1);

  async function sweep(rows: Float32Array<ArrayBuffer>) {
    const outputs = { e: new Float32Array(2 * k * n), codes: new Uint32Array((2 * k * n) / 4) };
    const columns = blockColumns(u, k, new Map([[1, 0]]));
    const tensors = { current: rows, u: columns, scaleMax, scaleCodes, jobs, ...outputs };
    const { e, codes } = await runKernel(gpu, kernel, { k, n, job: 0, jobCount: 1 }, tensors);
    const part = (values: Float32Array | Uint8Array) => values.slice((k + start) * n, (k + end) * n);
    return { e: part(e), codes: part(codesOfWords(codes, n)) };
  }

  test('codes are the nearest to rows that took in the errors before them', async () => {
    const rows = randomFloats(2 * 128 * n, 8);
    const { e, codes } = await sweep(rows);
    const errors = new Float64Array((end - start) * n);
    const expected = errors.map((_, at) => {
      const [row, column] = [Math.floor(at / n), at % n];
      let w = rows[(128 + row) * n + column]!;
      for (let i = 0; i < row; i++) w -= u[(start + i) * k + start + row]! * errors[i * n + column]!;
      const code = reference.clamp(reference.roundToEven(w / scales[column]!) + zero, 0, 2 * zero - 1);
      errors[at] = (w - codeValue(code, bits, scales[column]!)) / u[(start + row) * (k + 1)]!;
      return code;
    });
    expectExact(codes, expected); // none of these lies near a tie
    expectNmse(e, errors, 1e-10); // w − value cancels: some ulps of w in a difference a few times smaller
  });

  test('weights that are values of the grid come back with no error', async () => {
    const wanted = randomIntegers((end - start) * n, 2 ** bits, 9);
    const rows = new Float32Array(2 * 128 * n);
    rows.set(
      Float32Array.from(wanted, (code, at) => codeValue(code, bits, scales[at % n]!)),
      128 * n,
    );
    const { e, codes } = await sweep(rows);
    expectExact(codes, wanted);
    expectExact(e, new Float32Array(e.length));
  });
});

test('group_sweep with a scale of zero gives the code of zero, and the whole weight as error', async () => {
  const tensors = {
    current: new Float32Array(128).fill(0.5),
    u: Float32Array.from({ length: 32 * 256 }, (_, i) => (i % 257 === 0 ? 2 : 0)),
    scaleMax: Uint32Array.of(0),
    scaleCodes: Uint32Array.of(1),
    jobs: Uint32Array.of(0, 0, 32, 4, 0, 0),
    e: new Float32Array(32),
    codes: new Uint32Array(8),
  };
  const { e, codes } = await runKernel(gpu, groupSweep, { k: 32, n: 1, job: 0, jobCount: 1 }, tensors);
  expectExact(codes, new Uint32Array(8).fill(0x08080808));
  expectExact(e, new Float32Array(32).fill(0.25));
});
