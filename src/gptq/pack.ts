import { groupWords } from '../exl2/groups.ts';
import { type PackedLinear, packedGroups } from '../exl2/packed-linear.ts';
import { firstWords, invertPermutation, packGroups, packScales, unpackScales } from '../exl2/packing.ts';
import type { Group } from '../exl2/params.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { compare } from '../kernels/pack/compare.ts';
import { packCodes } from '../kernels/pack/pack_codes.ts';
import { unpackCodes } from '../kernels/pack/unpack_codes.ts';
import { NumericalError } from '../util/errors.ts';
import { dequantizeInto, type GpuLinear, rowTable } from './gpu-linear.ts';

/**
 * Packs a linear, or a slice of its columns, on the GPU and reads it back.
 * @param perm input feature of each row position, (k).
 * @param columns out_features; the columns after them are padding.
 */
export async function packLinear(
  gpu: Gpu,
  linear: GpuLinear,
  perm: Uint32Array,
  columns: number,
): Promise<PackedLinear> {
  const { k, n, groups } = linear;
  const qInvPerm = Int32Array.from(invertPermutation(perm));
  const reading = [packWeight(gpu, linear), readScales(gpu, linear, columns)] as const;
  const [qWeight, scales] = await Promise.all(reading);
  return { k, n, qWeight, ...scales, qGroups: packGroups(groups), qInvPerm };
}

/** q_weight (packed rows, n). */
async function packWeight(gpu: Gpu, { n, groups, codes }: GpuLinear): Promise<Uint32Array<ArrayBuffer>> {
  return withScope(gpu, async (scope) => {
    const words = scope.upload(wordTable(groups), 'word table');
    const packedRows = words.size / 16;
    const packed = scope.alloc([packedRows, n], 'q_weight');
    gpu.run(packCodes, { n, packedRows, codes, words, packed });
    return new Uint32Array(await gpu.read(packed));
  });
}

/** What each packed row holds: first row of its group, its number in the group, bits, rows of the group. */
function wordTable(groups: readonly Group[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(
    groups.flatMap((group) =>
      Array.from({ length: groupWords(group) }, (_, word) => [
        group.start,
        word,
        group.bits,
        group.end - group.start,
      ]).flat(),
    ),
  );
}

/** q_scale and q_scale_max of the linear's own groups; columns from `columns` on are padding. */
async function readScales(
  gpu: Gpu,
  linear: GpuLinear,
  columns: number,
): Promise<Pick<PackedLinear, 'qScale' | 'qScaleMax'>> {
  const { n, groups, firstGroup } = linear;
  const endGroup = firstGroup + groups.length;
  const reading = [linear.scaleCodes, linear.scaleMax].map((tensor) => gpu.read(tensor));
  const [scaleCodes, scaleMax] = (await Promise.all(reading)).map((bytes) => new Uint32Array(bytes));
  return {
    qScale: packScales(scaleCodes!.subarray(firstGroup * n, endGroup * n), n, columns),
    qScaleMax: Uint16Array.from(scaleMax!.subarray(firstGroup, endGroup)),
  };
}

/** Uploads a packed linear and unpacks its codes: the reader of EXL2 tensors. Results belong to `scope`. */
export function uploadPacked(gpu: Gpu, scope: Scope, key: string, packed: PackedLinear): GpuLinear {
  const { k, n, qScale, qScaleMax, qInvPerm } = packed;
  const groups = packedGroups(key, packed);
  const first = firstWords(groups);
  const rows = scope.upload(rowTable(k, groups, 0), 'row table');
  const codes = scope.alloc([k / 4, n], `codes of ${key}`);
  const packedWeight = scope.upload(packed.qWeight, `q_weight of ${key}`);
  const firsts = Uint32Array.from(groups.flatMap(({ start }, i) => [start, first[i]!]));
  const firstTensor = scope.upload(firsts, 'group starts');
  gpu.run(unpackCodes, { n, k, packed: packedWeight, rows, first: firstTensor, codes });
  scope.free(packedWeight);
  scope.free(firstTensor);
  return {
    k,
    n,
    groups,
    codes,
    scaleCodes: scope.upload(unpackScales(qScale), `scale codes of ${key}`),
    scaleMax: scope.upload(Uint32Array.from(qScaleMax), `scale units of ${key}`),
    firstGroup: 0,
    rows,
    perm: scope.upload(invertPermutation(qInvPerm), `act-order of ${key}`),
  };
}

/** The weight (k, n) f32 that a packed linear stands for, as a reader of the file would make it; it belongs to `keep`. */
export async function unpackWeight(
  gpu: Gpu,
  keep: Scope,
  key: string,
  packed: PackedLinear,
): Promise<GpuTensor> {
  const w = keep.alloc([packed.k, packed.n], `rebuilt ${key}`);
  await withScope(gpu, (scope) => dequantizeInto(gpu, uploadPacked(gpu, scope, key, packed), w));
  return w;
}

/**
 * Rebuilds a weight from the packed tensors, and compares it with what the quantizer meant; every weight must be equal
 * (padded columns are zero whatever their scale).
 * @throws NumericalError when any weight differs.
 */
export async function rebuildWeight(
  gpu: Gpu,
  keep: Scope,
  key: string,
  packed: PackedLinear,
  linear: GpuLinear,
): Promise<GpuTensor> {
  const { k, n } = packed;
  const rebuilt = await unpackWeight(gpu, keep, key, packed);
  await withScope(gpu, async (scope) => {
    const meant = scope.alloc([k, n], `quantized ${key}`);
    const result = scope.alloc([1], 'largest difference');
    dequantizeInto(gpu, linear, meant);
    gpu.zero(result);
    gpu.run(compare, { count: k * n, a: rebuilt, b: meant, result });
    const difference = new Float32Array(await gpu.read(result))[0]!;
    if (difference !== 0) {
      throw new NumericalError(
        `${key}: the packed weight differs from the quantized one by up to ${difference}. Nothing was written for this layer; start the job again, and report it if it happens again.`,
      );
    }
  });
  return rebuilt;
}
