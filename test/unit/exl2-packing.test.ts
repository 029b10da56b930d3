import { expect, test } from 'vitest';
import { packedRowCount, resolveGroups } from '../../src/exl2/groups.ts';
import {
  checkPackedLinear,
  type PackedLinear,
  packedTensorInfos,
  packedTensors,
  readPackedLinear,
} from '../../src/exl2/packed-linear.ts';
import { invertPermutation, packGroups, packScales, unpackScales } from '../../src/exl2/packing.ts';
import { parseParams } from '../../src/exl2/params.ts';
import { workingScale } from '../../src/reference/pack/values.ts';
import type { HostTensor } from '../../src/tensor/dtype.ts';
import { InputError, UnsupportedError } from '../../src/util/errors.ts';
import { f32ToF16Bits } from '../../src/util/half.ts';
import { seededRandom } from '../../src/util/random.ts';
import { dequantizeLinear, packLinear, type QuantizedLinear, unpackLinear } from '../support/exl2-linear.ts';

/** A linear of random codes, with every code and scale code among them. */
function randomLinear(k: number, n: number, text: string, seed = 1): QuantizedLinear {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const groups = resolveGroups(k, parseParams(text));
  const codes = Uint8Array.from(
    groups.flatMap(({ bits, start, end }) =>
      Array.from({ length: (end - start) * n }, () => below(2 ** bits)),
    ),
  );
  const perm = Uint32Array.from({ length: k }, (_, i) => i);
  for (let i = k - 1; i > 0; i--) {
    const j = below(i + 1);
    [perm[i], perm[j]] = [perm[j]!, perm[i]!];
  }
  return {
    k,
    n,
    groups,
    perm,
    codes,
    scaleCodes: Uint32Array.from({ length: groups.length * n }, () => 1 + below(16)),
    scaleMax: Uint16Array.from(groups, () => f32ToF16Bits(0.001 + random())),
  };
}

const tensorMap = (packed: PackedLinear) => new Map(packedTensors('x', packed).map((t) => [t.name, t]));

test.each([
  '1:2b_32g',
  '1:3b_64g',
  '1:4b_32g',
  '1:5b_32g',
  '1:6b_128g',
  '1:8b_32g',
  '0.05:8b_32g/0.1:6b_32g/0.85:5b_64g',
])('%s: unpacking gives back what was packed', (text) => {
  const linear = randomLinear(288, 64, text);
  expect(unpackLinear('x', packLinear(linear))).toEqual(linear);
});

test('codes are little-endian bit streams down each column', () => {
  const linear = randomLinear(32, 32, '1:5b_32g');
  const { qWeight } = packLinear(linear);
  for (let column = 0; column < 32; column++) {
    let stream = 0n;
    for (let row = 0; row < 32; row++) stream |= BigInt(linear.codes[row * 32 + column]!) << BigInt(5 * row);
    const words = Array.from({ length: 5 }, (_, i) => qWeight[i * 32 + column]!);
    expect(words).toEqual(words.map((_, i) => Number((stream >> BigInt(32 * i)) & 0xffffffffn)));
  }
});

test('columns are padded with the code of zero and the largest scale', () => {
  const linear = randomLinear(64, 33, '0.1:6b_32g/0.9:3b_32g');
  const packed = packLinear(linear);
  expect(packed.n).toBe(64);
  const { codes, scaleCodes } = unpackLinear('x', packed);
  for (let row = 0; row < 64; row++) {
    const padding = codes.subarray(row * 64 + 33, (row + 1) * 64);
    expect(padding).toEqual(new Uint8Array(31).fill(row < 32 ? 32 : 4));
    expect(codes.subarray(row * 64, row * 64 + 33)).toEqual(linear.codes.subarray(row * 33, (row + 1) * 33));
  }
  expect(scaleCodes.subarray(33, 64)).toEqual(new Uint32Array(31).fill(16));
  const weight = dequantizeLinear('x', packed);
  expect(weight.subarray(33, 64).every((value) => value === 0)).toBe(true);
});

test('weights are the codes times f16 scales, in the order of input features', () => {
  const linear = randomLinear(96, 32, '0.1:8b_32g/0.9:4b_64g');
  const weight = dequantizeLinear('x', packLinear(linear));
  for (const position of [0, 31, 32, 95]) {
    const group = linear.groups.findIndex(({ end }) => position < end);
    const { bits } = linear.groups[group]!;
    const scale = workingScale(linear.scaleCodes[group * 32 + 7]!, linear.scaleMax[group]!);
    const exact = (linear.codes[position * 32 + 7]! - 2 ** (bits - 1)) * scale;
    const actual = weight[linear.perm[position]! * 32 + 7]!;
    expect(f32ToF16Bits(actual)).toBe(f32ToF16Bits(exact));
    expect(Math.abs(actual - exact)).toBeLessThanOrEqual(Math.abs(exact) * 2 ** -11);
  }
});

test('scales are rounded twice', () => {
  expect(workingScale(16, f32ToF16Bits(1))).toBe(1);
  // The unit over 256 is rounded first: 2^-28 is too small for a half, and 1.5·2^-24 becomes 2·2^-24.
  expect(workingScale(16, f32ToF16Bits(2 ** -20))).toBe(0);
  expect(workingScale(16, f32ToF16Bits(1.5 * 2 ** -16))).toBe(2 ** -15);
});

test('names, dtypes and shapes of the tensors', () => {
  const params = parseParams('0.05:3b_64g/0.95:2b_64g');
  expect(packedTensorInfos('a.q_proj', 288, 100, params, true)).toEqual([
    { name: 'a.q_proj.q_weight', dtype: 'I32', shape: [20, 128] },
    { name: 'a.q_proj.q_scale', dtype: 'I32', shape: [5, 16] },
    { name: 'a.q_proj.q_scale_max', dtype: 'F16', shape: [5] },
    { name: 'a.q_proj.q_groups', dtype: 'I16', shape: [10] },
    { name: 'a.q_proj.q_invperm', dtype: 'I32', shape: [288] },
    { name: 'a.q_proj.bias', dtype: 'F16', shape: [128] },
  ]);
  const packed = packLinear(randomLinear(288, 100, '0.05:3b_64g/0.95:2b_64g'));
  const infos = packedTensors('a.q_proj', packed).map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  expect(infos).toEqual(packedTensorInfos('a.q_proj', 288, 100, params, false));
});

test('tensors are read back, from unaligned bytes too', () => {
  const packed = packLinear(randomLinear(64, 32, '1:3b_32g'));
  const unaligned = (tensor: HostTensor): HostTensor => {
    const data = new Uint8Array(tensor.data.length + 1).subarray(1);
    data.set(tensor.data);
    return { ...tensor, data };
  };
  const tensors = new Map([...tensorMap(packed)].map(([name, tensor]) => [name, unaligned(tensor)]));
  expect(readPackedLinear('x', (name) => tensors.get(name))).toEqual(packed);
});

test('a missing tensor, a wrong dtype and shapes that disagree are refused', () => {
  const packed = packLinear(randomLinear(64, 32, '1:3b_32g'));
  const read = (change: (tensor: HostTensor) => HostTensor | undefined) => () =>
    readPackedLinear('x', (name) => {
      const tensor = tensorMap(packed).get(name);
      return tensor && change(tensor);
    });
  const only = (name: string, change: Partial<HostTensor>) =>
    read((tensor) => (tensor.name === name ? { ...tensor, ...change } : tensor));
  expect(read((t) => (t.name === 'x.q_scale' ? undefined : t))).toThrow('x: tensor q_scale is missing');
  expect(only('x.q_groups', { dtype: 'I32' })).toThrow('x.q_groups is I32; expected I16');
  expect(only('x.q_scale', { shape: [2, 8] })).toThrow('x.q_scale has shape [2,8]; expected [2,4]');
  expect(only('x.q_weight', { shape: [192] })).toThrow(InputError);
  expect(only('x.q_invperm', { shape: [2, 32] })).toThrow(InputError);
});

/** A packed linear whose q_groups and q_invperm are replaced. */
const damaged = (change: Partial<PackedLinear>): PackedLinear => ({
  ...packLinear(randomLinear(96, 32, '0.3:4b_32g/0.7:3b_32g')),
  ...change,
});

test('groups whose rows do not begin at a multiple of 32 are refused', () => {
  const packed = packLinear(randomLinear(64, 32, '1:3b_32g'));
  const qGroups = Int16Array.of(3, 0, 3, 1);
  expect(() => checkPackedLinear('x', { ...packed, qGroups })).toThrow('10 rows; expected a multiple of 32');
});

test.each([
  [[4, 0, 7, 4, 3, 7], '7 bits; expected 2, 3, 4, 5, 6 or 8'],
  [[3, 0, 4, 3, 3, 7], 'more bits than the group before it'],
  [[4, 1, 3, 4, 3, 7], 'starts in packed row 1; expected 0'],
  [[4, 0, 3, 0, 3, 7], 'cannot hold'],
  [[4, 0, 3, 5, 3, 7], '40 rows; expected a multiple of 32'],
  [[4, 0, 3, -4, 3, 7], 'cannot hold'],
  [[4, 0, 3, 4, 2, 7], 'packed rows 7…9 cannot hold rows 64…95 of 96'],
  [[4, 0], 'packed rows 0…9 cannot hold rows 0…95 of 96'],
  [[], 'covers 0 of 96 rows'],
])('q_groups %j are refused', (groups, message) => {
  const packed = damaged({ qGroups: Int16Array.from(groups) });
  expect(() => checkPackedLinear('x', packed)).toThrow(InputError);
  expect(() => checkPackedLinear('x', packed)).toThrow(message);
});

test.each([
  [-1, 'is -1, which is outside 0…95'],
  [96, 'is 96, which is outside 0…95'],
])('q_invperm with %d is refused', (position, message) => {
  const { qInvPerm } = damaged({});
  qInvPerm[5] = position;
  expect(() => checkPackedLinear('x', damaged({ qInvPerm }))).toThrow(`x.q_invperm[5] ${message}`);
});

test('q_invperm with a position twice is refused', () => {
  const qInvPerm = new Int32Array(96);
  expect(() => checkPackedLinear('x', damaged({ qInvPerm }))).toThrow(
    'x.q_invperm[1] is 0, which is there twice',
  );
});

test('empty and odd shapes are refused', () => {
  expect(() => checkPackedLinear('x', damaged({ k: 0 }))).toThrow('shape (0, 32)');
  expect(() => checkPackedLinear('x', damaged({ n: 24 }))).toThrow('shape (96, 24)');
});

test('a linear whose groups start behind the range of int16 is refused', () => {
  const k = 262144;
  const groups = resolveGroups(k, parseParams('1:6b_128g'));
  expect(packedRowCount(groups)).toBeGreaterThan(32767);
  expect(() => packGroups(groups)).toThrow(UnsupportedError);
  expect(() => packGroups(groups)).toThrow(
    'A linear with 262144 input features at 6 bits cannot be stored as EXL2: group 1366 would start in packed row 32784',
  );
});

test('the scales of a word are in order from its low bits, and those of padding the largest', () => {
  const scaleCodes = [...Array(16).keys()].map((code) => code + 1);
  expect([...packScales(scaleCodes, 16, 16)]).toEqual([0x76543210, 0xfedcba98]);
  expect([...packScales(scaleCodes, 8, 3)]).toEqual([0xfffff210, 0xfffffa98]);
  expect([...unpackScales(Uint32Array.of(0x76543210, 0xfffffa98))]).toEqual([
    ...[1, 2, 3, 4, 5, 6, 7, 8],
    ...[9, 10, 11, 16, 16, 16, 16, 16],
  ]);
});

test('a permutation and its inverse cancel', () => {
  expect([...invertPermutation([2, 0, 3, 1])]).toEqual([1, 3, 0, 2]);
  expect([...invertPermutation(invertPermutation([2, 0, 3, 1]))]).toEqual([2, 0, 3, 1]);
});
