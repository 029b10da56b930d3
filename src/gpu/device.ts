import { UnsupportedError } from '../util/errors.ts';
import { Gpu } from './gpu.ts';

/** Limits that we ask for as high as the adapter goes. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
] as const;

const FEATURES = ['timestamp-query'] as const satisfies readonly GPUFeatureName[];
/** For products on matrix units; of use together only. The last is not in the standard yet. */
const MATRIX_FEATURES = [
  'shader-f16',
  'subgroups',
  'chromium-experimental-subgroup-matrix',
] as GPUFeatureName[];

/** What a kernel of ours binds at most; WebGPU guarantees 8. */
const MAX_BINDINGS = 8;

const BUDGET = 6 * 2 ** 30;
const SOFTWARE_BUDGET = 2 ** 30;

/** Bytes of GPU memory to use when neither the user nor the system says how much there is. */
export const defaultBudget = (software: boolean): number => (software ? SOFTWARE_BUDGET : BUDGET);

/** A device on `adapter` with its highest limits. `budget`: bytes of GPU memory to use. */
export async function openGpu(adapter: GPUAdapter, budget: number): Promise<Gpu> {
  const requiredLimits: Record<string, number> = {};
  for (const name of LIMITS) requiredLimits[name] = adapter.limits[name];
  checkAdapter(adapter);
  const requiredFeatures: GPUFeatureName[] = FEATURES.filter((feature) => adapter.features.has(feature));
  const matrixUnits = hasMatrixUnits(adapter);
  if (matrixUnits) requiredFeatures.push(...MATRIX_FEATURES);
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
  return new Gpu(device, budget, matrixUnits);
}

/** Throws UnsupportedError for a GPU that no device can be opened on. */
export function checkAdapter({ limits }: Pick<GPUAdapter, 'limits'>): void {
  if (limits.maxStorageBuffersPerShaderStage >= MAX_BINDINGS) return;
  throw new UnsupportedError(
    `This GPU binds ${limits.maxStorageBuffersPerShaderStage} storage buffers at once; ${MAX_BINDINGS} are needed.`,
  );
}

interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/**
 * Whether subgroups of 32 multiply matrices of 16 × 16 halves and sum in f32
 * (https://github.com/gpuweb/gpuweb/blob/main/proposals/subgroup-matrix.md).
 */
export function hasMatrixUnits({ features, info }: Pick<GPUAdapter, 'features' | 'info'>): boolean {
  const { subgroupMatrixConfigs: configs = [] } = info as { subgroupMatrixConfigs?: Iterable<MatrixConfig> };
  return (
    MATRIX_FEATURES.every((feature) => features.has(feature)) &&
    info.subgroupMinSize === 32 &&
    info.subgroupMaxSize === 32 &&
    [...configs].some(
      ({ componentType, resultComponentType, M, N, K }) =>
        componentType === 'f16' && resultComponentType === 'f32' && M === 16 && N === 16 && K === 16,
    )
  );
}

/** Whether an adapter computes on the CPU. @param names all that it is called. */
export const isSoftware = (
  names: string,
  { isFallbackAdapter }: Pick<GPUAdapterInfo, 'isFallbackAdapter'>,
): boolean => isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(names);
