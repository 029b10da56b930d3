/** The groups that parameters make of a linear's input features, and the bits that the linear then costs. */

import { InputError, UnsupportedError } from '../util/errors.ts';
import { describe, type Group, type QuantParams, ROW_MULTIPLE } from './params.ts';

/**
 * Groups from high to low width that cover rows 0…k−1 without gaps. The last one may be short; a width may get
 * fewer rows than its share, or none, because the widths above it are rounded up to whole groups.
 *
 * @throws UnsupportedError when k is not a positive multiple of 32.
 */
export function resolveGroups(k: number, params: QuantParams): Group[] {
  if (!Number.isSafeInteger(k) || k <= 0 || k % ROW_MULTIPLE !== 0) {
    throw new UnsupportedError(
      `A linear with ${k} input features cannot be stored as EXL2: the format needs a multiple of ${ROW_MULTIPLE}. ` +
        'Pad the model’s weights with zeros to the next multiple first.',
    );
  }
  const groups: Group[] = [];
  let start = 0;
  for (const { bits, proportion, groupSize } of params) {
    const count = Math.ceil(Math.min(k * proportion, k - start) / groupSize);
    for (let i = 0; i < count; i++) {
      const end = Math.min(start + groupSize, k);
      groups.push({ bits, start, end });
      start = end;
    }
  }
  if (start < k) throw new InputError(`${describe(params)} covers ${start} of ${k} input features.`);
  return groups;
}

/** Settings with the same key give the same groups, and so the same tensors, for this k. */
export const settingKey = (k: number, params: QuantParams): string =>
  JSON.stringify(resolveGroups(k, params));

/** 32-bit words that the codes of one column take, all groups together. */
export const packedRowCount = (groups: readonly Group[]): number =>
  groups.reduce((words, group) => words + groupWords(group), 0);

/** 32-bit words that one column of a group takes. */
export const groupWords = ({ bits, start, end }: Group): number => Math.ceil(((end - start) * bits) / 32);

/**
 * Bits that ExLlamaV2 counts for a linear (k, n): codes, per group a scale unit (16), an entry of q_groups (32) and
 * 4 for each column's scale, per input feature its place (32), per bias element 16. Padding is not counted.
 */
export function totalBits(k: number, n: number, params: QuantParams, hasBias: boolean): number {
  const groups = resolveGroups(k, params);
  const codes = groups.reduce((sum, { bits, start, end }) => sum + (end - start) * n * bits, 0);
  return codes + groups.length * (16 + 32 + 4 * n) + k * 32 + (hasBias ? n * 16 : 0);
}
