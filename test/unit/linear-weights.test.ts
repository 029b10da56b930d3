import { afterAll, describe, expect, test } from 'vitest';
import { withScope } from '../../src/gpu/scope.ts';
import type { TensorSource } from '../../src/io/model/tensor-source.ts';
import { loadLinear } from '../../src/model/gpu/weights.ts';
import type { LinearSpec, RowsPart } from '../../src/model/spec.ts';
import { normalizeRows, linear as referenceLinear } from '../../src/reference/model-kernels/linear.ts';
import { expectExact, expectNmse } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { STORED } from '../support/stored-floats.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

const LINEAR: LinearSpec = {
  ...{ role: 'q', name: 'q_proj', paramsName: 'q_proj', key: 'q', input: 'x', k: 64, n: 64 },
  ...{ weight: 'w', bias: undefined, part: undefined, transposed: false, inputs: undefined },
  normalized: false,
};

/** A source with one f16 matrix, and its values. */
function matrix(rows: number, columns: number) {
  const halves = STORED.F16.source(rows * columns);
  const data = new Uint8Array(halves.buffer);
  const source = {
    requireInfo: (name: string) => ({ name, dtype: 'F16', shape: [rows, columns] }),
    async readRows(name: string, start: number, end: number) {
      const own = data.slice(start * columns * 2, end * columns * 2);
      return { name, dtype: 'F16', shape: [end - start, columns], data: own };
    },
  } as Partial<TensorSource> as TensorSource;
  return { source, values: STORED.F16.values(halves) };
}

/** Values of (k, n) f32 on the GPU. */
const load = (source: TensorSource, linear: LinearSpec, columns?: { start: number; end: number }) =>
  withScope(gpu, async (scope) => {
    const { slices } = await loadLinear(gpu, scope, source, linear, columns);
    return new Float32Array(await gpu.read(slices[0]!.w));
  });

describe('a weight that its file has transposed', () => {
  const { source, values } = matrix(64, 192);
  const linear = { ...LINEAR, transposed: true };
  const columnsOf = (first: number, count: number) => {
    const rows = Array.from({ length: 64 }, (_, i) =>
      values.subarray(i * 192 + first, i * 192 + first + count),
    );
    return rows.flatMap((row) => [...row]);
  };
  const part = (first: number): RowsPart => ({ first, run: 64, stride: 64, total: 192 });

  test.each([0, 64, 128])('has its columns from %i on among others’', async (first) => {
    expectExact(await load(source, { ...linear, part: part(first) }), columnsOf(first, 64));
  });

  test('is loaded whole, or some of its outputs', async () => {
    expectExact(await load(source, { ...linear, n: 192 }), columnsOf(0, 192));
    expectExact(await load(source, { ...linear, n: 192 }, { start: 32, end: 96 }), columnsOf(32, 64));
  });

  test('in runs of columns, by key/value head', async () => {
    const runs = { ...linear, part: { first: 32, run: 32, stride: 96, total: 192 } };
    const [left, right] = [columnsOf(32, 32), columnsOf(128, 32)];
    const expected = Array.from({ length: 64 }, (_, i) => [
      ...left.slice(i * 32, i * 32 + 32),
      ...right.slice(i * 32, i * 32 + 32),
    ]);
    expectExact(await load(source, runs), expected.flat());
  });
});

test('one whose inputs lie among others’ is loaded from its first row on, as in f64', async () => {
  const [inner, hidden] = [96, 64];
  const { source, values } = matrix(3 * inner, hidden);
  const down: LinearSpec = {
    ...{ ...LINEAR, transposed: true, k: inner, n: hidden },
    inputs: { first: inner, total: 3 * inner },
  };
  const own = values.subarray(inner * hidden, 2 * inner * hidden);
  expectExact(await load(source, down), own);
  const few = await load(source, down, { start: 32, end: 64 });
  expectExact(
    few,
    own.filter((_, i) => i % hidden >= 32),
  );
  const identity = Float64Array.from({ length: inner ** 2 }, (_, i) => (i % (inner + 1) === 0 ? 1 : 0));
  expectExact(
    referenceLinear(identity, down, () => values),
    own,
  );
});

test('one that is read in several pieces is whole', async () => {
  // 16.5 MiB, of which 16 are read at a time.
  const [k, n] = [4096, 2112];
  const { source, values } = matrix(k, n);
  expectExact(await load(source, { ...LINEAR, transposed: true, k, n }), values);
  // The last quarter of another's inputs: what is read begins late, and is one piece.
  const part = { ...LINEAR, transposed: true, k: k / 4, n, inputs: { first: (k * 3) / 4, total: k } };
  expectExact(await load(source, part), values.subarray((k * n * 3) / 4));
});

test('rows that are normalized have length 1, in whatever slice they are loaded', async () => {
  const { source, values } = matrix(96, 64);
  const expected = normalizeRows(values, 64);
  const normalized = { ...LINEAR, n: 96, normalized: true };
  const columns = { start: 32, end: 96 };
  const w = await load(source, normalized, columns);
  const transposed = w.map((_, i) => w[(i % 64) * 64 + Math.floor(i / 64)]!);
  expectNmse(transposed, expected.subarray(32 * 64), 1e-13);
  const whole = await load(source, normalized);
  expect(whole.filter((_, i) => i % 96 >= 32)).toEqual(w);
});
