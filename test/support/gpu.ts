import { create, globals } from 'webgpu';
import { pollRarely } from '../../src/cli/poll-rarely.ts';
import { isSoftwareAdapter, openGpu } from '../../src/gpu/device.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';

Object.assign(globalThis, globals);
// The object must stay referenced for as long as its devices live.
const webgpu = create([
  'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia',
  'disable-dawn-features=timestamp_quantization',
]);

/** A device on whatever adapter this machine has; a machine without one fails the test, it does not skip it. */
export async function testGpu(budget = 2 ** 30): Promise<Gpu> {
  const adapter = await webgpu.requestAdapter();
  if (!adapter) {
    throw new Error('No WebGPU adapter. `npm test` installs the software adapter and sets VK_ICD_FILENAMES.');
  }
  if (isSoftwareAdapter(adapter)) pollRarely();
  return openGpu(adapter, budget);
}
