import flat from '../../../shaders/lib/flat.wgsl?raw';
import wgsl from '../../../shaders/row_sums/token_errors.wgsl?raw';
import type { Gpu } from '../../gpu/gpu.ts';
import { defineKernel } from '../../gpu/kernel.ts';
import { bufferBytes } from '../../gpu/memory.ts';
import type { Scope } from '../../gpu/scope.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';

/** Sums of squared errors of y (rows, length, hidden), of 8 tokens each: (rows, parts, 3), parts = ceil(length / 8). */
export const tokenErrors = defineKernel({
  name: 'token_errors',
  wgsl: [flat, wgsl],
  scalars: { rows: 'u32', length: 'u32', hidden: 'u32', parts: 'u32' },
  inputs: { y: 'f32', reference: 'f32' },
  outputs: { sums: 'f32' },
  workgroups: ({ rows, parts }) => [rows * parts],
});

/** Tokens of a row that one workgroup of the kernel sums. */
const PART = 8;

const partsOf = (length: number): number => Math.ceil(length / PART);

/** How far a row of tokens is from what it should be, in two ways; squared, 0 where both are equal. */
export interface RowError {
  /** Mean over tokens of ‖y − reference‖² / ‖reference‖². */
  readonly byToken: number;
  /** ‖y − reference‖² / ‖reference‖² of all tokens together. */
  readonly whole: number;
}

/** GPU memory of the sums of a row of `length` tokens. */
export const rowErrorBytes = (length: number): number => bufferBytes(partsOf(length) * 12);

/** Sums of the errors of rows, to be read with {@link readRowErrors}. */
export interface RowErrorSums {
  /** (rows, parts, 3) f32 */
  readonly sums: GpuTensor;
  /** Tokens of a row. */
  readonly length: number;
}

/**
 * Records the sums of the errors of `rows` rows of tokens, of which `y` and `reference` (tokens, hidden) f32 have
 * equally many.
 */
export function recordRowErrors(
  gpu: Gpu,
  scope: Scope,
  y: GpuTensor,
  reference: GpuTensor,
  rows: number,
): RowErrorSums {
  const [tokens, hidden] = y.shape as [number, number];
  const length = tokens / rows;
  const parts = partsOf(length);
  const sums = scope.alloc([rows, parts, 3], 'sums of errors');
  gpu.run(tokenErrors, { rows, length, hidden, parts, y, reference, sums });
  return { sums, length };
}

export async function readRowErrors(gpu: Gpu, { sums, length }: RowErrorSums): Promise<RowError[]> {
  const [rows, parts] = sums.shape as [number, number, number];
  const values = new Float32Array(await gpu.read(sums));
  return Array.from({ length: rows }, (_, row) => {
    let [relative, difference, power] = [0, 0, 0];
    for (let at = row * parts * 3; at < (row + 1) * parts * 3; at += 3) {
      relative += values[at]!;
      difference += values[at + 1]!;
      power += values[at + 2]!;
    }
    return {
      byToken: relative / length,
      whole: difference === 0 ? 0 : power === 0 ? 1 : difference / power,
    };
  });
}
