import { withEnoughMemory } from '../gpu/enough-memory.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { attention } from '../kernels/attention/attention.ts';
import { attentionTiled } from '../kernels/attention/attention_tiled.ts';
import { descentSweep } from '../kernels/descent/descent_sweep.ts';
import { descentSweepTiled } from '../kernels/descent/descent_sweep_tiled.ts';
import { gemm, gemmMixed } from '../kernels/gemm/gemm.ts';
import { gemmLarge } from '../kernels/gemm/gemm_large.ts';
import { gemmSubgroupMatrix, MATRIX_SIDE } from '../kernels/gemm/gemm_subgroup_matrix.ts';
import { gemmTiled } from '../kernels/gemm/gemm_tiled.ts';
import { gemmWide } from '../kernels/gemm/gemm_wide.ts';
import { blockUpdate, blockUpdateLarge } from '../kernels/gptq/block_update.ts';
import { blockUpdateTiled } from '../kernels/gptq/block_update_tiled.ts';
import { groupSweep, groupSweepLarge } from '../kernels/gptq/group_sweep.ts';
import { groupUpdate, groupUpdateLarge } from '../kernels/gptq/group_update.ts';
import { gram, gramMixed } from '../kernels/gram/gram.ts';
import { gramSubgroupMatrix } from '../kernels/gram/gram_subgroup_matrix.ts';
import { gramTiled } from '../kernels/gram/gram_tiled.ts';
import { scaleSearch } from '../kernels/scale/scale_search.ts';
import { scaleSearchLarge } from '../kernels/scale/scale_search_large.ts';
import { triangularInverse } from '../kernels/triangular_inverse/triangular_inverse.ts';
import { triangularInverseTiled } from '../kernels/triangular_inverse/triangular_inverse_tiled.ts';
import { differenceOfGrams, differenceOfProducts } from './agreement.ts';
import { keepSpeeds, readSpeeds, type SpeedStore } from './kept-speeds.ts';
import { measureSpeeds, type Speeds } from './measure-speeds.ts';
import type { Precision } from './precision.ts';

/** Tiled attention makes 64 queries at a time; for fewer than this, as in generation, the plain one does less. */
const TILED_QUERIES = 16;

/** Longest time that a dispatch should take. */
const DISPATCH_SECONDS = 0.1;

/** Largest error of a product, relative to its largest element: rounding to half precision makes about 2e-4. */
const MIXED_ERROR = 2e-3;

const NO_STORE: SpeedStore = { read: async () => undefined, write: async () => {} };

/**
 * Takes the forms of the matrix and attention kernels that are faster on this GPU, by a short measurement or by what
 * `store` has of an earlier one.
 * @param known of another GPU of the same kind, if any: instead.
 * @returns the speeds; undefined when there was not enough memory to measure them, and the plain forms stay.
 */
export async function chooseVariants(
  gpu: Gpu,
  precision: Precision,
  store: SpeedStore = NO_STORE,
  known?: Speeds,
): Promise<Speeds | undefined> {
  const kept = known ?? (await readSpeeds(store, gpu, precision));
  // Right in an earlier run is not enough: results depend on it. What was refused then is refused now.
  const matrixUnits = precision === 'mixed' && kept?.subgroupMatrix !== 0 && (await areMatrixUnitsRight(gpu));
  const measured = kept ?? (await measureSpeeds(gpu, matrixUnits));
  if (!measured) return undefined;
  const speeds = matrixUnits ? measured : { ...measured, subgroupMatrix: 0 };
  if (speeds.subgroupMatrix !== kept?.subgroupMatrix) await keepSpeeds(store, gpu, precision, speeds);
  prefer(gpu, speeds);
  return speeds;
}

function prefer(gpu: Gpu, { plain, tiled, wide, subgroupMatrix }: Speeds): void {
  if (tiled === 0) {
    preferForCpu(gpu);
    return;
  }
  gpu.dispatchFlops = DISPATCH_SECONDS * Math.max(plain, tiled, wide);
  if (tiled < plain) return;
  for (const product of [gemm, gemmMixed]) {
    gpu.prefer(product, gemmTiled);
    if (wide > tiled) gpu.prefer(product, gemmWide, hasManyTiles);
  }
  gpu.prefer(gram, gramTiled);
  gpu.prefer(gramMixed, gramTiled);
  if (subgroupMatrix > tiled) {
    gpu.prefer(gemmMixed, gemmSubgroupMatrix, ({ m, n, k }) => [m, n, k].every(isWhole));
    gpu.prefer(gramMixed, gramSubgroupMatrix, ({ m, k }) => [m, k].every(isWhole));
  }
  gpu.prefer(blockUpdate, blockUpdateTiled);
  gpu.prefer(descentSweep, descentSweepTiled, ({ start, end }) => end - start <= 128);
  gpu.prefer(triangularInverse.first, triangularInverseTiled.first);
  gpu.prefer(triangularInverse.second, triangularInverseTiled.second);
  for (const widest of [256, 128, 64] as const) {
    gpu.prefer(attention, attentionTiled[widest], ({ length, d }) => length >= TILED_QUERIES && d <= widest);
  }
}

/** Forms that read less and need more registers, which on a CPU are memory anyway. */
function preferForCpu(gpu: Gpu): void {
  for (const product of [gemm, gemmMixed]) gpu.prefer(product, gemmLarge);
  gpu.prefer(blockUpdate, blockUpdateLarge);
  gpu.prefer(groupUpdate, groupUpdateLarge);
  gpu.prefer(scaleSearch, scaleSearchLarge);
  gpu.prefer(groupSweep, groupSweepLarge);
}

/** What products of activations are done with, once variants are chosen. */
export const usedPrecision = (gpu: Gpu): Precision =>
  gpu.prefers(gemmMixed, gemmSubgroupMatrix) ? 'mixed' : 'f32';

/** Enough tiles of 256 × 128 to keep all of a large GPU busy. */
const hasManyTiles = ({ m, n }: { m: number; n: number }): boolean =>
  Math.ceil(m / 256) * Math.ceil(n / 128) >= 256;

/** Whole matrices of the matrix units. */
const isWhole = (size: number): boolean => size % MATRIX_SIDE === 0;

/** Whether matrix units are there, and right: drivers for them are young. */
async function areMatrixUnitsRight(gpu: Gpu): Promise<boolean> {
  if (!gpu.hasMatrixUnits) return false;
  if (!(await gpu.accepts(gemmSubgroupMatrix)) || !(await gpu.accepts(gramSubgroupMatrix))) return false;
  const differences = await withEnoughMemory(gpu, { what: 'the trial of its matrix units' }, async () => [
    await differenceOfProducts(gpu, gemmTiled, gemmSubgroupMatrix),
    await differenceOfGrams(gpu, gramTiled, gramSubgroupMatrix),
  ]);
  return differences.every((difference) => difference <= MIXED_ERROR);
}
