import { afterAll, expect, test } from 'vitest';
import { summarize } from '../../src/evaluate/metrics.ts';
import { combineSlices, type TokenComparison } from '../../src/evaluate/token-statistics.ts';
import { COMPARED, compareLogits } from '../../src/kernels/logits/compare_logits.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats, randomIntegers } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

/** Softmax and comparison of one row, in f64. */
function compareRow(a: Float32Array, b: Float32Array, target: number): TokenComparison {
  const logSoftmax = (logits: Float32Array) => {
    const highest = Math.max(...logits);
    const sum = logits.reduce((total, x) => total + Math.exp(x - highest), 0);
    return Float64Array.from(logits, (x) => x - highest - Math.log(sum));
  };
  const [p, q] = [logSoftmax(a), logSoftmax(b)];
  const divergence = p.reduce((sum, log, i) => sum + Math.exp(log) * (log - q[i]!), 0);
  const place = (x: Float64Array) => x.indexOf(Math.max(...x));
  return { referenceLoss: -p[target]!, loss: -q[target]!, divergence, agree: place(p) === place(q) };
}

/** The kernel on slices of the vocabulary, `width` tokens wide, put together. */
async function compareSliced(
  a: Float32Array,
  b: Float32Array,
  targets: Uint32Array<ArrayBuffer>,
  width: number,
) {
  const m = targets.length;
  const vocabulary = a.length / m;
  const slices: { first: number; stats: Float32Array }[] = [];
  for (let first = 0; first < vocabulary; first += width) {
    const count = Math.min(width, vocabulary - first);
    // Padding must not count: it is larger than every logit.
    const slice = (x: Float32Array) =>
      Float32Array.from({ length: m * width }, (_, i) =>
        i % width < count ? x[Math.floor(i / width) * vocabulary + first + (i % width)]! : 1e30,
      );
    const contents = { a: slice(a), b: slice(b), targets, stats: new Float32Array(m * COMPARED) };
    const { stats } = await runKernel(gpu, compareLogits, { m, n: width, first, count }, contents);
    slices.push({ first, stats });
  }
  return Array.from({ length: m }, (_, i) =>
    combineSlices(
      slices.map(({ first, stats }) => ({ first, stats: stats.subarray(i * COMPARED, (i + 1) * COMPARED) })),
    ),
  );
}

test.each([
  [1, 1, 32],
  [3, 40, 64],
  [5, 63, 32],
  [2, 1000, 96],
  [4, 333, 333],
])('compare_logits: %i tokens, a vocabulary of %i in slices of %i', async (m, vocabulary, width) => {
  const a = randomFloats(m * vocabulary, 1).map((x) => x / 4);
  const noise = randomFloats(m * vocabulary, 2);
  const b = a.map((x, i) => x + 0.1 * noise[i]!);
  const targets = randomIntegers(m, vocabulary, 3);
  const actual = await compareSliced(a, b, targets, width);
  for (let i = 0; i < m; i++) {
    const row = (x: Float32Array) => x.subarray(i * vocabulary, (i + 1) * vocabulary);
    const expected = compareRow(row(a), row(b), targets[i]!);
    expect(actual[i]!.agree).toBe(expected.agree);
    for (const name of ['referenceLoss', 'loss', 'divergence'] as const) {
      // exp is good to a few ulps of its argument, which is up to 40 here.
      expect(Math.abs(actual[i]![name] - expected[name])).toBeLessThan(1e-5 * (1 + expected[name]));
    }
  }
});

test('equal logits diverge by exactly nothing', async () => {
  const a = randomFloats(500, 1);
  const [token] = await compareSliced(a, a, Uint32Array.of(3), 96);
  expect(token).toMatchObject({ divergence: 0, agree: true });
});

test('of equal maxima the first token counts, in whatever slice and lane they are', async () => {
  const a = new Float32Array(200).fill(-1);
  const b = a.slice();
  for (const token of [70, 135, 199]) a[token] = 5;
  b[70] = 5;
  const [token] = await compareSliced(a, b, Uint32Array.of(0), 96);
  expect(token!.agree).toBe(true);
  b[69] = 5;
  expect((await compareSliced(a, b, Uint32Array.of(0), 96))[0]!.agree).toBe(false);
});

test('metrics over rows: the last token of a row has no next token', () => {
  const token = (loss: number, divergence: number, agree: boolean): TokenComparison => ({
    referenceLoss: loss / 2,
    loss,
    divergence,
    agree,
  });
  const row = [token(2, 0.1, true), token(4, 0.2, false), token(6, 0.3, true), token(100, 0.4, true)];
  const metrics = summarize([...row, ...row], 2, 4);
  expect(metrics.perplexity.model).toBeCloseTo(Math.exp(4), 9);
  expect(metrics.perplexity.reference).toBeCloseTo(Math.exp(2), 9);
  expect(metrics.divergence.mean).toBeCloseTo(0.25, 12);
  expect(metrics.divergence.median).toBeCloseTo(0.25, 12);
  expect(metrics.divergence.p99).toBeCloseTo(0.4, 12);
  expect(metrics.agreement).toBe(0.75);
  expect(metrics.byPosition.map(({ first, last }) => [first, last])).toEqual([
    [0, 0],
    [1, 1],
    [2, 3],
  ]);
  expect(metrics.byPosition[2]).toMatchObject({ agreement: 1 });
  expect(metrics.byPosition[2]!.divergence).toBeCloseTo(0.35, 12);
});

test('the standard error of the mean divergence counts rows, not tokens', () => {
  const rowOf = (divergence: number): TokenComparison[] =>
    Array.from({ length: 8 }, () => ({ referenceLoss: 1, loss: 1, divergence, agree: true }));
  const { divergence } = summarize([...rowOf(0.1), ...rowOf(0.2), ...rowOf(0.6)], 3, 8);
  expect(divergence.mean).toBeCloseTo(0.3, 12);
  expect(divergence.byRow).toEqual([0.1, 0.2, 0.6].map((x) => expect.closeTo(x, 12)));
  // Deviations −0.2, −0.1 and 0.3: √(0.14 / 2 / 3).
  expect(divergence.standardError).toBeCloseTo(0.152753, 6);
  expect(summarize(rowOf(0.1), 1, 8).divergence.standardError).toBeUndefined();
});
