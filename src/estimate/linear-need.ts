/** GPU memory that quantizing a linear takes: what modules and the head have in common. */

import { packedRowCount, resolveGroups } from '../exl2/groups.ts';
import type { QuantParams } from '../exl2/params.ts';
import { DESCENT_ROWS } from '../gptq/descent.ts';
import { invertingBytes } from '../gptq/invert-triangle.ts';
import { candidateBytes, factorColumnsBytes } from '../gptq/quantizer.ts';
import { triangleBytes } from '../gpu/matrix/panels.ts';
import { bufferBytes } from '../gpu/memory.ts';
import type { QuantizerSettings } from '../job/settings.ts';
import { splitOf } from '../kernels/gemm/gemm_split_k.ts';
import { PIECE_BYTES } from '../pass/sums/hessian-sums.ts';

/** Bytes of a buffer of 4-byte elements. */
export const buffer = (...shape: number[]): number => bufferBytes(shape.reduce((a, b) => a * b, 4));

export const total = <T>(items: readonly T[], bytes: (item: T) => number): number =>
  items.reduce((sum, item) => sum + bytes(item), 0);

export const most = <T>(items: readonly T[], bytes: (item: T) => number): number =>
  Math.max(...items.map(bytes));

/** hessian-sums.ts: the totals of both halves beside the sums of a part, and a piece of another worker's. */
export const totals = (sizes: readonly number[]): number =>
  2 * total(sizes, triangleBytes) + most(sizes, (k) => Math.min(bufferBytes(PIECE_BYTES), triangleBytes(k)));

/**
 * factor.ts: Hessians from number `i` on are still there, and the factors up to it, each with its Hessian where that is
 * kept; a step of the inverse holds a quarter of a square.
 */
export const factoring = (sizes: readonly number[], each: number): number =>
  most([...sizes.keys()], (i) => {
    const k = sizes[i]!;
    const kept = total(sizes.slice(0, i), (size) => each * triangleBytes(size));
    return (
      kept +
      total(sizes.slice(i), triangleBytes) +
      triangleBytes(k) +
      Math.max(invertingBytes(k), buffer(k, 32)) +
      2 * buffer(k)
    );
  });

/** factor.ts: the factor, and the Hessian where codes are descended. */
export const matricesOf = ({ descentPasses }: QuantizerSettings): number => (descentPasses > 0 ? 2 : 1);

/** quantize-linear.ts: one linear beyond its weight, until its rebuilt weight stands in for that. */
export function packing(k: number, columns: readonly number[], params: QuantParams): number {
  const groups = resolveGroups(k, params).length;
  const each = columns.map((n) => candidateBytes(k, n, groups));
  const computing = total(each, ({ meanwhile }) => meanwhile) + factorColumnsBytes(k);
  return (
    total(each, ({ kept }) => kept) +
    Math.max(
      computing,
      most(columns, (n) => finishing(k, n, params)),
    )
  );
}

/** The same of a slice of n columns that is quantized. */
export function finishing(k: number, n: number, params: QuantParams): number {
  const groups = resolveGroups(k, params);
  const words = packedRowCount(groups);
  const { parts } = splitOf(DESCENT_ROWS, n, k);
  const gradient = buffer(DESCENT_ROWS, n) + (parts > 1 ? buffer(parts * DESCENT_ROWS, n) : 0);
  const descending = buffer(DESCENT_ROWS, k) + buffer(k, n) + gradient;
  const packed = buffer(words, n) + buffer(4, words);
  const unpacking = candidateBytes(k, n, groups.length).kept + buffer(words, n) + buffer(2, groups.length);
  const comparing = buffer(k, n) + buffer(1);
  return Math.max(descending, packed, unpacking, comparing);
}
