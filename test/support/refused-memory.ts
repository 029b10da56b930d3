import type { Gpu } from '../../src/gpu/gpu.ts';
import { OutOfMemoryError } from '../../src/util/errors.ts';

/**
 * Who refuses memory: our own budget, at once; the driver, which tells later of a buffer that is of no use; or
 * createBuffer, which throws.
 */
export type Refuser = 'budget' | 'driver' | 'createBuffer';

/** Has `isRefused` asked of every buffer of `gpu`, those for readback, uploads and scalars too, by what it is for. */
export function refuseMemory(gpu: Gpu, by: Refuser, isRefused: (label: string) => boolean): void {
  const { device, driver, memory } = gpu;
  const [acquire, createBeside] = [memory.acquire, driver.createBeside];
  memory.acquire = (bytes, label) => {
    if (!isRefused(label)) return acquire.call(memory, bytes, label);
    if (by === 'budget') throw new OutOfMemoryError(`${label} needs more than the budget`);
    memory.trim(); // only a new buffer can be refused
    return refusing(device, by, () => acquire.call(memory, bytes, label));
  };
  driver.createBeside = (descriptor) => {
    const create = () => createBeside.call(driver, descriptor);
    // Nothing beside the budget is refused by it.
    return by !== 'budget' && isRefused(descriptor.label!) ? refusing(device, by, create) : create();
  };
}

/** Has the driver refuse the buffer that `create` asks for. */
function refusing<T>(device: GPUDevice, by: Exclude<Refuser, 'budget'>, create: () => T): T {
  const { createBuffer, popErrorScope } = device;
  device.createBuffer = (descriptor) => {
    if (by === 'createBuffer') throw new RangeError('createBuffer failed, size is too large');
    // No buffer can be used in these two ways: what comes is invalid, as one that there is no memory for.
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.MAP_WRITE;
    device.pushErrorScope('validation');
    const buffer = createBuffer.call(device, { ...descriptor, usage });
    void popErrorScope.call(device);
    return buffer;
  };
  device.popErrorScope = async () => {
    await popErrorScope.call(device);
    return by === 'driver' ? new GPUOutOfMemoryError('Out of memory') : null;
  };
  try {
    return create();
  } finally {
    device.createBuffer = createBuffer;
    device.popErrorScope = popErrorScope;
  }
}
