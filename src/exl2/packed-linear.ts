/** A quantized linear as EXL2 stores it: its tensors, their shapes, and the check of tensors made elsewhere. */

import type { DType, HostTensor, TensorInfo } from '../tensor/dtype.ts';
import { InputError } from '../util/errors.ts';
import { groupWords, packedRowCount, resolveGroups } from './groups.ts';
import { type Group, isBitWidth, type QuantParams, ROW_MULTIPLE } from './params.ts';

/** n is padded to a multiple of so many columns. */
export const COLUMN_MULTIPLE = 32;

export const padColumns = (n: number): number => Math.ceil(n / COLUMN_MULTIPLE) * COLUMN_MULTIPLE;

export interface PackedLinear {
  readonly k: number;
  /** Padded to a multiple of 32. */
  readonly n: number;
  /** (packed rows, n): the codes of a column, group by group, as little-endian bit streams down the rows. */
  readonly qWeight: Uint32Array<ArrayBuffer>;
  /** (groups, n / 8): scale code − 1 in 4 bits, low nibble first. */
  readonly qScale: Uint32Array;
  /** (groups): bits of halves. */
  readonly qScaleMax: Uint16Array;
  /** (2 · groups): pairs of bits and first packed row. */
  readonly qGroups: Int16Array;
  /** (k): input feature → row position. */
  readonly qInvPerm: Int32Array;
}

/** The arrays of {@link PackedLinear} with their tensors' names and dtypes. */
export const PACKED_TENSORS = [
  ['qWeight', 'q_weight', 'I32'],
  ['qScale', 'q_scale', 'I32'],
  ['qScaleMax', 'q_scale_max', 'F16'],
  ['qGroups', 'q_groups', 'I16'],
  ['qInvPerm', 'q_invperm', 'I32'],
] as const satisfies readonly (readonly [keyof PackedLinear, string, DType])[];

type PackedName = (typeof PACKED_TENSORS)[number][1];

/** The tensors of linear `key`; n is not padded yet. The bias, where there is one, is padded with zeros. */
export function packedTensorInfos(
  key: string,
  k: number,
  n: number,
  params: QuantParams,
  hasBias: boolean,
): TensorInfo[] {
  const groups = resolveGroups(k, params);
  const shapes = packedShapes(k, padColumns(n), groups.length, packedRowCount(groups));
  const infos: TensorInfo[] = PACKED_TENSORS.map(([, name, dtype]) => ({
    name: `${key}.${name}`,
    dtype,
    shape: shapes[name],
  }));
  return hasBias ? [...infos, { name: `${key}.bias`, dtype: 'F16', shape: [padColumns(n)] }] : infos;
}

const packedShapes = (
  k: number,
  n: number,
  groups: number,
  words: number,
): Record<PackedName, readonly number[]> => ({
  q_weight: [words, n],
  q_scale: [groups, n / 8],
  q_scale_max: [groups],
  q_groups: [2 * groups],
  q_invperm: [k],
});

/** The tensors to write for linear `key`, as views of `packed`. */
export function packedTensors(key: string, packed: PackedLinear): HostTensor[] {
  const shapes = packedShapes(packed.k, packed.n, packed.qScaleMax.length, packed.qWeight.length / packed.n);
  return PACKED_TENSORS.map(([field, name, dtype]) => {
    const { buffer, byteOffset, byteLength } = packed[field];
    return {
      name: `${key}.${name}`,
      dtype,
      shape: shapes[name],
      data: new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength),
    };
  });
}

/**
 * Takes the tensors of linear `key` from a file; `tensor` finds one by its full name.
 *
 * @throws InputError when one is missing, has another dtype, or they disagree with each other or with the format.
 */
export function readPackedLinear(
  key: string,
  tensor: (name: string) => HostTensor | undefined,
): PackedLinear {
  const find = (name: PackedName, dtype: DType): HostTensor => {
    const found = tensor(`${key}.${name}`);
    if (!found) throw new InputError(`${key}: tensor ${name} is missing. The EXL2 model is incomplete.`);
    if (found.dtype !== dtype) {
      throw new InputError(`${key}.${name} is ${found.dtype}; expected ${dtype}. Is this an EXL2 model?`);
    }
    return found;
  };
  const found = PACKED_TENSORS.map(([, name, dtype]) => find(name, dtype));
  const [weight, scale, scaleMax, qGroups, invPerm] = found;
  const [words = 0, n = 0] = weight!.shape;
  const [k = 0] = invPerm!.shape;
  const [groups = 0] = scaleMax!.shape;
  const shapes = packedShapes(k, n, groups, words);
  for (const [i, [, name]] of PACKED_TENSORS.entries()) {
    const { shape } = found[i]!;
    if (shape.join() !== shapes[name].join()) {
      throw new InputError(
        `${key}.${name} has shape [${shape}]; expected [${shapes[name]}] beside q_weight [${weight!.shape}], ` +
          `q_scale_max [${scaleMax!.shape}] and q_invperm [${invPerm!.shape}]. The file is damaged.`,
      );
    }
  }
  const packed: PackedLinear = {
    k,
    n,
    qWeight: elements(weight!, Uint32Array),
    qScale: elements(scale!, Uint32Array),
    qScaleMax: elements(scaleMax!, Uint16Array),
    qGroups: elements(qGroups!, Int16Array),
    qInvPerm: elements(invPerm!, Int32Array),
  };
  checkPackedLinear(key, packed);
  return packed;
}

interface TypedArray<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): T;
}

/** The tensor's bytes as elements: where they are, or copied if no element can start there. */
function elements<T>({ data }: HostTensor, Elements: TypedArray<T>): T {
  const size = Elements.BYTES_PER_ELEMENT;
  const { buffer, byteOffset, byteLength } = data.byteOffset % size === 0 ? data : new Uint8Array(data);
  return new Elements(buffer as ArrayBuffer, byteOffset, byteLength / size);
}

/** Throws InputError unless the contents of `packed` make sense; shapes are the caller's. */
export function checkPackedLinear(key: string, packed: PackedLinear): void {
  const { k, n, qInvPerm } = packed;
  if (k === 0 || k % ROW_MULTIPLE !== 0 || n === 0 || n % COLUMN_MULTIPLE !== 0) {
    throw new InputError(
      `${key} has shape (${k}, ${n}); expected positive multiples of 32. The file is damaged.`,
    );
  }
  packedGroups(key, packed);
  const taken = new Uint8Array(k);
  for (let feature = 0; feature < k; feature++) {
    const position = qInvPerm[feature]!;
    if (position < 0 || position >= k || taken[position]) {
      throw new InputError(
        `${key}.q_invperm[${feature}] is ${position}, which is ${taken[position] ? 'there twice' : `outside 0…${k - 1}`}; ` +
          'expected a permutation. The file is damaged.',
      );
    }
    taken[position] = 1;
  }
}

/** The groups that `q_groups` describes. Throws InputError when it is not in order or does not cover k rows. */
export function packedGroups(key: string, packed: PackedLinear): Group[] {
  const { k, n, qGroups, qWeight } = packed;
  const words = qWeight.length / n;
  const count = qGroups.length / 2;
  const groups: Group[] = [];
  let start = 0;
  let firstWord = 0;
  for (let i = 0; i < count; i++) {
    const wrong = (what: string) =>
      new InputError(`${key}.q_groups, group ${i} of ${count}: ${what}. The file is damaged.`);
    const bits = qGroups[2 * i]!;
    if (!isBitWidth(bits)) throw wrong(`${bits} bits; expected 2, 3, 4, 5, 6 or 8`);
    if (i > 0 && bits > groups[i - 1]!.bits) throw wrong('more bits than the group before it');
    if (qGroups[2 * i + 1] !== firstWord) {
      throw wrong(`starts in packed row ${qGroups[2 * i + 1]}; expected ${firstWord}`);
    }
    const nextWord = i + 1 < count ? qGroups[2 * i + 3]! : words;
    const end = i + 1 < count ? start + Math.floor(((nextWord - firstWord) * 32) / bits) : k;
    const group = { bits, start, end };
    if (end <= start || end > k || groupWords(group) !== nextWord - firstWord) {
      throw wrong(`packed rows ${firstWord}…${nextWord - 1} cannot hold rows ${start}…${end - 1} of ${k}`);
    }
    if ((end - start) % ROW_MULTIPLE !== 0) {
      throw wrong(`${end - start} rows; expected a multiple of ${ROW_MULTIPLE}`);
    }
    groups.push(group);
    start = end;
    firstWord = nextWord;
  }
  if (start !== k) throw new InputError(`${key}.q_groups covers ${start} of ${k} rows. The file is damaged.`);
  return groups;
}
