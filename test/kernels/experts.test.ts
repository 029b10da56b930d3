import { afterAll, describe, expect, test } from 'vitest';
import { gatherRows, NO_ROW } from '../../src/kernels/experts/gather_rows.ts';
import { scatterRows } from '../../src/kernels/experts/scatter_rows.ts';
import { topExperts } from '../../src/kernels/experts/top_experts.ts';
import {
  gatherRows as gatherReference,
  scatterRows as scatterReference,
} from '../../src/reference/model-kernels/expert-rows.ts';
import { topExperts as topReference } from '../../src/reference/model-kernels/top-experts.ts';
import { expectExact, expectNmse } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

describe('top_experts', () => {
  async function run(logits: Float32Array<ArrayBuffer>, columns: number, experts: number, perToken: number) {
    const tokens = logits.length / columns;
    const outputs = {
      chosen: new Uint32Array(tokens * perToken).fill(NO_ROW),
      weights: new Float32Array(tokens * perToken).fill(Number.NaN),
    };
    for (const normalized of [0, 1]) {
      const scalars = { tokens, experts, columns, perToken, normalized };
      const found = await runKernel(gpu, topExperts, scalars, { logits, ...outputs });
      const expected = Array.from({ length: tokens }, (_, token) =>
        topReference(logits.subarray(token * columns, token * columns + experts), perToken, normalized === 1),
      ).flat();
      expectExact(
        found.chosen,
        expected.map(({ expert }) => expert),
      );
      // Exponentials of a few ulps each.
      expectNmse(
        found.weights,
        expected.map(({ weight }) => weight),
        1e-11,
      );
    }
  }

  // The columns beside the experts' are padding, and hold the largest values of all here.
  test.each([
    [1, 32, 2, 1],
    [63, 32, 8, 2],
    [65, 32, 31, 8],
    [7, 128, 128, 8],
    [200, 64, 40, 40],
  ])('%i tokens, %i columns, %i experts, %i for each token', async (tokens, columns, experts, perToken) => {
    const logits = randomFloats(tokens * columns, 1).map((value, i) =>
      i % columns < experts ? 4 * value : 1e9,
    );
    await run(logits, columns, experts, perToken);
  });

  test('the first of equal ones comes first, and logits far apart do not overflow', async () => {
    const rows = [
      [0, 1, 1, 0, 1, -1, 0, 0],
      [5, 5, 5, 5, 5, 5, 5, 5],
      [-1e30, 1e30, 3e4, -3e4, 1e30, 0, 0, 0],
      [-100, -101, -102, -100, -100, -99, -1000, -98],
    ];
    const logits = Float32Array.from(rows.flatMap((row) => [...row, ...Array(24).fill(0)]));
    await run(logits, 32, 8, 3);
  });
});

/** `count` of the tokens' numbers in a mixed order, none twice, with gaps. */
const someRows = (tokens: number, count: number): Uint32Array<ArrayBuffer> =>
  Uint32Array.from({ length: count }, (_, i) => (i % 5 === 3 ? NO_ROW : (i * 7) % tokens));

// No row twice: 7 and the number of tokens have no common divisor. The last folds its grid.
const SHAPES = [
  { tokens: 1, count: 1, width: 1 },
  { tokens: 11, count: 11, width: 63 },
  { tokens: 50, count: 16, width: 65 },
  { tokens: 4100, count: 2050, width: 2049 },
];

test.each(SHAPES)('gather_rows $count of $tokens, $width wide', async ({ tokens, count, width }) => {
  const x = randomFloats(tokens * width, 1);
  x[0] = 3e38;
  const rows = someRows(tokens, count);
  const y = new Float32Array(count * width).fill(Number.NaN);
  const found = await runKernel(gpu, gatherRows, { tokens, count, width }, { x, rows, y });
  expectExact(found.y, gatherReference(x, rows, width));
});

test.each(SHAPES)('scatter_rows $count into $tokens, $width wide', async ({ tokens, count, width }) => {
  const x = randomFloats(count * width, 1);
  x[0] = 1e20;
  const [rows, weights, y] = [
    someRows(tokens, count),
    randomFloats(count, 2),
    randomFloats(tokens * width, 3),
  ];
  const scalars = { tokens, count, width };
  const found = await runKernel(gpu, scatterRows, scalars, { x, rows, weights, y });
  const expected = scatterReference(y, x, rows, weights, width);
  // A product and a sum.
  expect(found.y[0]! / expected[0]!).toBeCloseTo(1, 6);
  expectNmse(found.y.subarray(1), expected.subarray(1), 1e-14);
});
