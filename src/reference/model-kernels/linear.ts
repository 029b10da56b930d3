import type { LinearSpec } from '../../model/spec.ts';

type Numbers = Float32Array | Float64Array;

/** What a row that is zero is divided by when it is normalized. */
const LEAST_LENGTH = 1e-12;

/** The linear's own rows of `width` values, n of them, where they lie among others', or are columns. */
function rowsOf(
  values: Numbers,
  { part, inputs, transposed }: Pick<LinearSpec, 'part' | 'inputs' | 'transposed'>,
  width: number,
  n: number,
): Numbers {
  const { first, run, stride, total } = part ?? { first: 0, run: n, stride: n, total: n };
  const at = (i: number, j: number) => {
    const row = first + Math.floor(i / run) * stride + (i % run);
    return transposed ? ((inputs?.first ?? 0) + j) * total + row : row * width + j;
  };
  return Float64Array.from({ length: n * width }, (_, i) => values[at(Math.floor(i / width), i % width)]!);
}

/** Runs of k values, each divided by its length. */
export function normalizeRows(w: Numbers, k: number): Float64Array {
  const y = Float64Array.from(w);
  for (let start = 0; start < y.length; start += k) {
    const row = y.subarray(start, start + k);
    const length = Math.max(Math.hypot(...row), LEAST_LENGTH);
    for (let i = 0; i < k; i++) row[i]! /= length;
  }
  return y;
}

/** y = x·Wᵀ + bias: x (m, k), W (n, k), y (m, n). */
export function linear(
  x: Float64Array,
  { k, n, ...spec }: LinearSpec,
  weight: (name: string) => Numbers,
): Float64Array {
  const own = rowsOf(weight(spec.weight), spec, k, n);
  const w = spec.normalized ? normalizeRows(own, k) : own;
  const bias =
    spec.bias === undefined ? undefined : rowsOf(weight(spec.bias), { ...spec, transposed: false }, 1, n);
  const y = new Float64Array((x.length / k) * n);
  for (let i = 0; i < y.length; i++) {
    const row = Math.floor(i / n) * k;
    const column = (i % n) * k;
    let sum = bias ? bias[i % n]! : 0;
    for (let j = 0; j < k; j++) sum += x[row + j]! * w[column + j]!;
    y[i] = sum;
  }
  return y;
}
