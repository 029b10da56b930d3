import { afterEach, describe, expect, test } from 'vitest';
import { openGpu } from '../../src/gpu/device.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { forEachBatch } from '../../src/model/gpu/batches.ts';
import { DeviceLostError, InternalError, OutOfMemoryError, UnsupportedError } from '../../src/util/errors.ts';
import { testGpu } from '../support/gpu.ts';
import { addAmount, broken } from '../support/test-kernels.ts';

const opened: Gpu[] = [];
afterEach(() => {
  for (const gpu of opened.splice(0)) gpu.destroy();
});

async function openTestGpu(): Promise<Gpu> {
  const gpu = await testGpu();
  opened.push(gpu);
  return gpu;
}

describe('a driver without memory', () => {
  /** From now on buffers of 1 MiB and more are invalid, as if the driver had no memory for them. */
  function exhaust(device: GPUDevice): void {
    const { createBuffer, popErrorScope } = device;
    let refused = false;
    device.createBuffer = (descriptor) => {
      refused = descriptor.size >= 2 ** 20;
      device.pushErrorScope('validation');
      const buffer = createBuffer.call(device, refused ? { ...descriptor, usage: 0 } : descriptor);
      void popErrorScope.call(device);
      return buffer;
    };
    device.popErrorScope = async () => {
      const result = refused ? new GPUOutOfMemoryError('no memory') : null;
      await popErrorScope.call(device);
      return result;
    };
  }

  test('is reported by the next sync; the GPU works on once what failed is freed', async () => {
    const gpu = await openTestGpu();
    exhaust(gpu.device);
    const [x, large, y] = [gpu.alloc([4], 'x'), gpu.alloc([2 ** 18], 'states'), gpu.alloc([4], 'y')];
    gpu.write(x, Float32Array.of(1, 2, 3, 4));
    gpu.run(addAmount, { count: 4, amount: 1, x, y: large });
    await expect(gpu.sync()).rejects.toThrow(OutOfMemoryError);
    gpu.free(large);
    gpu.run(addAmount, { count: 4, amount: 1, x, y });
    expect([...new Float32Array(await gpu.read(y))]).toEqual([2, 3, 4, 5]);
    // The failed buffer is not handed out again, and from now on the budget is what the driver may have.
    expect(() => gpu.alloc([2 ** 18], 'states')).toThrow(
      `of the budget of ${Math.floor(0.9 * (2 ** 20 + 4096))} bytes`,
    );
  });

  test('ends a pass over batches of rows, which can be started again', async () => {
    const gpu = await openTestGpu();
    const pass = (size: number) =>
      forEachBatch(gpu, 4, 1, (scope, start, _, defer) => {
        const [x, y] = [scope.upload(Float32Array.of(start), 'x'), scope.alloc([size], 'states')];
        gpu.run(addAmount, { count: 1, amount: 1, x, y });
        defer(gpu.read(y));
      });
    exhaust(gpu.device);
    await expect(pass(2 ** 18)).rejects.toThrow(OutOfMemoryError);
    gpu.memory.trim();
    await pass(1);
    await gpu.sync();
  });
});

describe('a lost device', () => {
  const run = (gpu: Gpu) => {
    const [x, y] = [gpu.alloc([4], 'x'), gpu.alloc([4], 'y')];
    gpu.write(x, new Float32Array(4));
    gpu.run(addAmount, { count: 4, amount: 1, x, y });
    return y;
  };

  test('is reported by the next sync, and by every one after it', async () => {
    const gpu = await openTestGpu();
    run(gpu);
    gpu.device.destroy();
    await expect(gpu.sync()).rejects.toThrow(DeviceLostError);
    await expect(gpu.sync()).rejects.toThrow('goes on from its last finished module');
  });

  test('is reported by a read that was under way', async () => {
    const gpu = await openTestGpu();
    const reading = gpu.read(run(gpu));
    gpu.device.destroy();
    await expect(reading).rejects.toThrow(DeviceLostError);
  });

  test('is reported by a read after allocating and running on it', async () => {
    const gpu = await openTestGpu();
    await gpu.sync();
    gpu.device.destroy();
    await expect((async () => gpu.read(run(gpu)))()).rejects.toThrow(DeviceLostError);
  });
});

describe('WGSL that does not compile', () => {
  const message = "broken:7:10 unresolved value 'unknownName'\n      y[0] = unknownName;";

  test('is reported with its line by the next sync', async () => {
    const gpu = await openTestGpu();
    gpu.run(broken, { count: 1, y: gpu.alloc([1], 'y') });
    await expect(gpu.sync()).rejects.toThrow(InternalError);
    await expect(gpu.sync()).rejects.toThrow(message);
  });

  test('is reported by the next read', async () => {
    const gpu = await openTestGpu();
    const y = gpu.alloc([1], 'y');
    gpu.run(broken, { count: 1, y });
    await expect(gpu.read(y)).rejects.toThrow(message);
  });
});

test('a command that WebGPU refuses is reported', async () => {
  const gpu = await openTestGpu();
  const x = gpu.alloc([4], 'x');
  gpu.run(addAmount, { count: 4, amount: 1, x, y: x }); // read and written in one dispatch
  await expect(gpu.sync()).rejects.toThrow('WebGPU refused a command');
});

test('an adapter that binds too few buffers is refused', async () => {
  const limits = { maxStorageBuffersPerShaderStage: 4 } as GPUSupportedLimits;
  const opening = openGpu({ limits, features: new Set<string>() } as unknown as GPUAdapter, 1e9);
  await expect(opening).rejects.toThrow(UnsupportedError);
});
