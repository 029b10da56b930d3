import wgsl from '../../../shaders/linalg/gemm.wgsl?raw';
import { defineKernel, defineVariant, type Workgroups } from '../../gpu/kernel.ts';

/** An invocation makes (ROWS, 4 · COLUMNS) elements of C, a workgroup (HEIGHT, 4) times as many. */
interface Counts extends Record<string, number> {
  readonly ROWS: number;
  readonly COLUMNS: number;
  readonly HEIGHT: number;
}

const grid = (m: number, n: number, { ROWS, COLUMNS, HEIGHT }: Counts): Workgroups => [
  Math.ceil(n / (16 * COLUMNS)),
  Math.ceil(m / (ROWS * HEIGHT)),
];

const SMALL: Counts = { ROWS: 8, COLUMNS: 4, HEIGHT: 16 };
const LARGE: Counts = { ROWS: 16, COLUMNS: 4, HEIGHT: 4 };

/** C (m, n) = A (m, k) · B (k, n), added to C when `accumulate` is 1. f32; k and n multiples of 4. */
export const gemm = defineKernel({
  name: 'gemm',
  scalars: { m: 'u32', n: 'u32', k: 'u32', accumulate: 'u32' },
  inputs: ['a', 'b'],
  outputs: ['c'],
  wgsl: [wgsl],
  counts: SMALL,
  workgroups: ({ m, n }) => grid(m, n, SMALL),
});

/**
 * As `gemm`, with so many sums in an invocation that only adapters on the CPU have the place: what they take longest
 * for are reads.
 */
export const gemmLarge = defineVariant(gemm, {
  name: 'gemm_large',
  wgsl: [wgsl],
  counts: LARGE,
  workgroups: ({ m, n }) => grid(m, n, LARGE),
});

/** The same where A and B may be rounded to half precision. */
export const gemmMixed = { ...gemm };
