import { afterAll, expect, test } from 'vitest';
import { attention } from '../../src/kernels/model/attention.ts';
import * as reference from '../../src/reference/model.ts';
import { expectNmse } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

// Sums over d and the keys in f32, and exp: 3 + 2|x| ulps, where |x| reaches some tens with the outliers.
const NMSE = 1e-10;

interface Shape {
  length: number;
  heads: number;
  kvHeads: number;
  d: number;
  rows: number;
}

/** What the kernel and the reference give; `window` is the kernel's, `limit` the reference's. */
async function run(shape: Shape, window: number, limit: number | undefined, scale: number) {
  const { length, heads, kvHeads, d, rows } = shape;
  const q = randomFloats(rows * length * heads * d, 1);
  const k = randomFloats(rows * length * kvHeads * d, 2);
  const v = randomFloats(rows * length * kvHeads * d, 3);
  const o = new Float32Array(q.length).fill(Number.NaN);
  const actual = await runKernel(gpu, attention, { ...shape, window, scale, past: 0 }, { q, k, v, o });
  // The reference always divides by sqrt(d).
  const scaled = q.map((value) => value * scale * Math.sqrt(d));
  const row = (x: Float32Array, i: number) => x.subarray((i * x.length) / rows, ((i + 1) * x.length) / rows);
  const expected = Array.from({ length: rows }, (_, i) => [
    ...reference.attention(row(scaled, i), row(k, i), row(v, i), {
      heads,
      kvHeads,
      headDim: d,
      window: limit,
    }),
  ]).flat();
  return { o: actual.o, expected };
}

// A workgroup makes 8 queries and walks over tiles of 64 keys; an invocation owns dimensions 64 apart.
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
])(
  'attention: $rows rows of $length, $heads/$kvHeads heads of $d, window $window',
  async ({ window, ...shape }) => {
    const { o, expected } = await run(shape, window, window, 1 / Math.sqrt(shape.d));
    expectNmse(o, expected, NMSE);
  },
);

test('a window as large as a u32 holds is no window', async () => {
  const { o, expected } = await run(
    { length: 70, heads: 2, kvHeads: 1, d: 16, rows: 1 },
    0xffffffff,
    undefined,
    0.25,
  );
  expectNmse(o, expected, NMSE);
});

test('another scale than 1/sqrt(d)', async () => {
  const { o, expected } = await run(
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
  const scalars = { length, heads: 1, kvHeads: 1, d, rows: 1, window: length, scale: 0.5, past: 0 };
  const { o } = await runKernel(gpu, attention, scalars, { q, k, v, o: new Float32Array(length * d) });
  // Key 3 wins as soon as it is seen; before, all keys score the same.
  const expected = Array.from({ length }, (_, i) => Array(d).fill(i < 3 ? i / 2 : 3)).flat();
  expect([...o]).toEqual(expected);
});

// The last `length` queries of a longer row, as if the keys before them were cached.
test.each([
  { past: 1, length: 1, window: 2 },
  { past: 70, length: 1, window: 71 },
  { past: 130, length: 1, window: 40 },
  { past: 5, length: 9, window: 14 },
  { past: 100, length: 70, window: 33 },
])('$length queries after $past cached keys, window $window', async ({ past, length, window }) => {
  const [heads, kvHeads, d] = [4, 2, 32];
  const total = past + length;
  const q = randomFloats(total * heads * d, 1);
  const k = randomFloats(total * kvHeads * d, 2);
  const v = randomFloats(total * kvHeads * d, 3);
  const whole = reference.attention(q, k, v, { heads, kvHeads, headDim: d, window });
  const last = q.slice(past * heads * d);
  const scalars = { length, heads, kvHeads, d, rows: 1, window, scale: 1 / Math.sqrt(d), past };
  const { o } = await runKernel(gpu, attention, scalars, { q: last, k, v, o: new Float32Array(last.length) });
  expectNmse(o, whole.slice(past * heads * d), NMSE);
});
