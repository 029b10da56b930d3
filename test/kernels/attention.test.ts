import { afterAll, describe, expect, test } from 'vitest';
import { attention } from '../../src/kernels/attention/attention.ts';
import { attentionTiled } from '../../src/kernels/attention/attention_tiled.ts';
import * as reference from '../../src/reference/model.ts';
import { expectNmse } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

// Sums over d and the keys in f32, and exp: 3 + 2|x| ulps, where |x| reaches some tens with the outliers.
const NMSE = 1e-10;

type AttentionKernel = typeof attention;
type KernelOf = (d: number) => AttentionKernel;

const narrowest: KernelOf = (d) => attentionTiled[d <= 64 ? 64 : d <= 128 ? 128 : 256];
const kernels: readonly { name: string; kernelOf: KernelOf }[] = [
  { name: 'attention', kernelOf: () => attention },
  { name: 'attention_tiled', kernelOf: narrowest },
  { name: 'attention_tiled 256', kernelOf: () => attentionTiled[256] },
];

interface Shape {
  length: number;
  heads: number;
  kvHeads: number;
  d: number;
  rows: number;
}

/** What the kernel and the reference give; `window` is the kernel's, `limit` the reference's; softcap 0: none. */
async function run(
  kernel: AttentionKernel,
  shape: Shape,
  window: number,
  limit: number | undefined,
  scale: number,
  softcap = 0,
) {
  const { length, heads, kvHeads, d, rows } = shape;
  const q = randomFloats(rows * length * heads * d, 1);
  const k = randomFloats(rows * length * kvHeads * d, 2);
  const v = randomFloats(rows * length * kvHeads * d, 3);
  const o = new Float32Array(q.length).fill(Number.NaN);
  const actual = await runKernel(gpu, kernel, { ...shape, window, scale, softcap, past: 0 }, { q, k, v, o });
  // The reference always divides by sqrt(d).
  const scaled = q.map((value) => value * scale * Math.sqrt(d));
  const row = (x: Float32Array, i: number) => x.subarray((i * x.length) / rows, ((i + 1) * x.length) / rows);
  const expected = Array.from({ length: rows }, (_, i) => [
    ...reference.attention(row(scaled, i), row(k, i), row(v, i), {
      heads,
      kvHeads,
      headDim: d,
      window: limit,
      softcap,
    }),
  ]).flat();
  return { o: actual.o, expected };
}

describe.each(kernels)('$name', ({ kernelOf }) => {
  // A workgroup makes 8 or 64 queries and walks over tiles of 64 keys; an invocation owns dimensions or vec4s of d apart
  // by 64 or 16. Queries and keys are staged by 32 elements of d.
  test.each<Shape & { window: number }>([
    { length: 1, heads: 1, kvHeads: 1, d: 4, rows: 1, window: 1 },
    { length: 7, heads: 2, kvHeads: 1, d: 32, rows: 3, window: 7 },
    { length: 8, heads: 2, kvHeads: 2, d: 48, rows: 2, window: 3 },
    { length: 64, heads: 4, kvHeads: 2, d: 32, rows: 1, window: 64 },
    { length: 65, heads: 3, kvHeads: 1, d: 64, rows: 2, window: 65 },
    { length: 65, heads: 2, kvHeads: 1, d: 48, rows: 2, window: 1 },
    { length: 100, heads: 6, kvHeads: 2, d: 128, rows: 1, window: 24 },
    { length: 100, heads: 1, kvHeads: 1, d: 256, rows: 2, window: 1000 },
    { length: 141, heads: 2, kvHeads: 1, d: 32, rows: 2, window: 66 },
    { length: 129, heads: 2, kvHeads: 1, d: 60, rows: 1, window: 64 },
    { length: 63, heads: 1, kvHeads: 1, d: 68, rows: 2, window: 63 },
    { length: 70, heads: 2, kvHeads: 2, d: 96, rows: 1, window: 65 },
    { length: 66, heads: 1, kvHeads: 1, d: 132, rows: 1, window: 10 },
    { length: 200, heads: 1, kvHeads: 1, d: 4, rows: 2, window: 129 },
  ])('$rows rows of $length, $heads/$kvHeads heads of $d, window $window', async ({ window, ...shape }) => {
    const { o, expected } = await run(kernelOf(shape.d), shape, window, window, 1 / Math.sqrt(shape.d));
    expectNmse(o, expected, NMSE);
  });

  test('a window as large as a u32 holds is no window', async () => {
    const { o, expected } = await run(
      kernelOf(16),
      { length: 70, heads: 2, kvHeads: 1, d: 16, rows: 1 },
      0xffffffff,
      undefined,
      0.25,
    );
    expectNmse(o, expected, NMSE);
  });

  test('another scale than 1/sqrt(d)', async () => {
    const { o, expected } = await run(
      kernelOf(32),
      { length: 20, heads: 2, kvHeads: 1, d: 32, rows: 1 },
      20,
      undefined,
      0.01,
    );
    expectNmse(o, expected, NMSE);
  });

  test('scores too large for exp neither overflow nor vanish', async () => {
    const [length, d] = [70, 4];
    const q = new Float32Array(length * d).fill(100);
    const k = Float32Array.from({ length: length * d }, (_, i) => (Math.floor(i / d) === 3 ? 100 : -100));
    const v = Float32Array.from({ length: length * d }, (_, i) => Math.floor(i / d));
    const scalars = {
      length,
      heads: 1,
      kvHeads: 1,
      d,
      rows: 1,
      window: length,
      scale: 0.5,
      softcap: 0,
      past: 0,
    };
    const { o } = await runKernel(gpu, kernelOf(d), scalars, { q, k, v, o: new Float32Array(length * d) });
    // Key 3 wins as soon as it is seen; before, all keys score the same.
    const expected = Array.from({ length }, (_, i) => Array(d).fill(i < 3 ? i / 2 : 3)).flat();
    expect([...o]).toEqual(expected);
  });

  test('scores of up to 1e4, of either sign', async () => {
    const shape = { length: 130, heads: 2, kvHeads: 1, d: 64, rows: 1 };
    const { o, expected } = await run(kernelOf(64), shape, 130, 130, 1.5);
    expectNmse(o, expected, NMSE);
  });

  // Scores reach some hundreds, where tanh is ±1; in the last case all are far above the cap.
  test.each([
    { length: 1, heads: 1, kvHeads: 1, d: 4, rows: 1, window: 1, scale: 0.5, softcap: 50 },
    { length: 65, heads: 4, kvHeads: 2, d: 64, rows: 2, window: 65, scale: 0.125, softcap: 50 },
    { length: 130, heads: 2, kvHeads: 1, d: 48, rows: 1, window: 70, scale: 0.3, softcap: 20 },
    { length: 70, heads: 2, kvHeads: 2, d: 256, rows: 1, window: 1000, scale: 0.0625, softcap: 50 },
    { length: 66, heads: 2, kvHeads: 1, d: 32, rows: 2, window: 9, scale: 1e6, softcap: 5 },
  ])('$length tokens, window $window, scores capped at $softcap', async ({ scale, softcap, ...shape }) => {
    const { o, expected } = await run(kernelOf(shape.d), shape, shape.window, shape.window, scale, softcap);
    expectNmse(o, expected, NMSE);
  });

  test('a cap bounds scores that tanh and exp could not take', async () => {
    const [length, d] = [70, 4];
    const q = new Float32Array(length * d).fill(1e15);
    const k = Float32Array.from({ length: length * d }, (_, i) => (Math.floor(i / d) === 3 ? 1e15 : -1e15));
    const v = Float32Array.from({ length: length * d }, (_, i) => Math.floor(i / d));
    const shape = { length, heads: 1, kvHeads: 1, d, rows: 1, window: length };
    const scalars = { ...shape, scale: 0.5, softcap: 1, past: 0 };
    const { o } = await runKernel(gpu, kernelOf(d), scalars, { q, k, v, o: new Float32Array(length * d) });
    // All scores are −1, key 3's is 1.
    const expected = Array.from({ length }, (_, i) => {
      const others = (i * (i + 1)) / 2;
      const mean = i < 3 ? others / (i + 1) : (others - 3 + 3 * Math.E ** 2) / (i + Math.E ** 2);
      return Array(d).fill(mean);
    }).flat();
    expectNmse(o, expected, NMSE);
  });

  // The last `length` queries of a longer row, as if the keys before them were cached.
  test.each([
    { past: 1, length: 1, window: 2 },
    { past: 70, length: 1, window: 71 },
    { past: 130, length: 1, window: 40 },
    { past: 5, length: 9, window: 14 },
    { past: 100, length: 70, window: 33 },
    { past: 64, length: 64, window: 128 },
    { past: 37, length: 91, window: 70 },
  ])('$length queries after $past cached keys, window $window', async ({ past, length, window }) => {
    const [heads, kvHeads, d] = [4, 2, 32];
    const total = past + length;
    const q = randomFloats(total * heads * d, 1);
    const k = randomFloats(total * kvHeads * d, 2);
    const v = randomFloats(total * kvHeads * d, 3);
    const whole = reference.attention(q, k, v, { heads, kvHeads, headDim: d, window });
    const last = q.slice(past * heads * d);
    const scalars = { length, heads, kvHeads, d, rows: 1, window, scale: 1 / Math.sqrt(d), softcap: 0, past };
    const { o } = await runKernel(gpu, kernelOf(d), scalars, {
      q: last,
      k,
      v,
      o: new Float32Array(last.length),
    });
    expectNmse(o, whole.slice(past * heads * d), NMSE);
  });
});
