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

/** What a kernel of ours binds at most; WebGPU guarantees 8. */
const MAX_BINDINGS = 8;

const BUDGET = 6 * 2 ** 30;
const SOFTWARE_BUDGET = 2 ** 30;

/** Bytes of GPU memory to use when the user does not say: WebGPU cannot tell how much there is. */
export const defaultBudget = (software: boolean): number => (software ? SOFTWARE_BUDGET : BUDGET);

/** A device on `adapter` with its highest limits. `budget`: bytes of GPU memory to use. */
export async function openGpu(adapter: GPUAdapter, budget: number): Promise<Gpu> {
  const requiredLimits: Record<string, number> = {};
  for (const name of LIMITS) requiredLimits[name] = adapter.limits[name];
  if (adapter.limits.maxStorageBuffersPerShaderStage < MAX_BINDINGS) {
    throw new UnsupportedError(
      `This GPU binds ${adapter.limits.maxStorageBuffersPerShaderStage} storage buffers at once; ${MAX_BINDINGS} are needed`,
    );
  }
  const requiredFeatures = FEATURES.filter((feature) => adapter.features.has(feature));
  return new Gpu(await adapter.requestDevice({ requiredLimits, requiredFeatures }), budget);
}

/** Whether the adapter computes on the CPU. */
export function isSoftwareAdapter(adapter: GPUAdapter): boolean {
  const { isFallbackAdapter, device, description } = adapter.info;
  return (
    isFallbackAdapter === true ||
    /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${device} ${description}`)
  );
}
