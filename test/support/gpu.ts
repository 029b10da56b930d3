import { openAdapter } from '../../src/cli/gpu.ts';
import { openGpu } from '../../src/gpu/device.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { GEMM_WIDE_STORAGE } from '../../src/kernels/gemm/gemm_wide.ts';

/**
 * A device on whatever adapter this machine has; a machine without one fails the test, it does not skip it. With
 * `GPU_LIMITS=default` it has the limits that WebGPU guarantees, as {@link smallGpu}.
 */
export async function testGpu(budget = 2 ** 30): Promise<Gpu> {
  if (process.env['GPU_LIMITS'] === 'default') return smallGpu(budget);
  const { adapter } = await openAdapter();
  return openGpu(adapter, budget);
}

/** What WebGPU guarantees of the limits that `openGpu` asks for. */
const DEFAULT_LIMITS = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 2 ** 14,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
};

/** A device on the same adapter as if it had no more than WebGPU guarantees. */
export async function smallGpu(budget = 2 ** 30): Promise<Gpu> {
  const { adapter } = await openAdapter();
  const small = {
    ...{ limits: DEFAULT_LIMITS, features: adapter.features, info: adapter.info },
    requestDevice: (descriptor: GPUDeviceDescriptor) => adapter.requestDevice(descriptor),
  };
  return openGpu(small as unknown as GPUAdapter, budget);
}

/** Whether `gemm_wide` runs: it takes more workgroup memory than WebGPU guarantees. */
export const fitsWideGemm = ({ device }: Gpu): boolean =>
  device.limits.maxComputeWorkgroupStorageSize >= GEMM_WIDE_STORAGE;
