import { afterAll, describe, expect, test } from 'vitest';
import { Scope, withScope } from '../../src/gpu/scope.ts';
import { OutOfMemoryError } from '../../src/util/errors.ts';
import { testGpu } from '../support/gpu.ts';
import { addAmount } from '../support/test-kernels.ts';

const MIB = 2 ** 20;
const gpu = await testGpu(4 * MIB);
afterAll(() => gpu.destroy());
const { memory } = gpu;
const megabytes = (count: number) => [(count * MIB) / 4];

describe('budget', () => {
  test('what passes it throws, and nothing is taken', () =>
    withScope(gpu, (scope) => {
      scope.alloc(megabytes(3), 'states');
      expect(() => scope.alloc(megabytes(2), 'weights of layer 7')).toThrow(OutOfMemoryError);
      expect(() => scope.alloc(megabytes(2), 'weights of layer 7')).toThrow(
        'weights of layer 7 needs 2097152 bytes; 3145728 of the budget of 4194304 bytes',
      );
      expect(memory.used).toBe(3 * MIB);
      expect(memory.available).toBe(MIB);
      scope.alloc(megabytes(1), 'exactly the rest');
      expect(memory.available).toBe(0);
    }));

  test('one buffer over the limit of the device throws', () => {
    const largest = gpu.device.limits.maxStorageBufferBindingSize;
    expect(() => gpu.alloc([largest / 4 + 1024], 'hessian')).toThrow(OutOfMemoryError);
  });

  test('pooled buffers give way to new ones of other sizes', () => {
    for (const count of [3, 2, 4, 1, 3]) gpu.free(gpu.alloc(megabytes(count), 'states'));
    expect(memory.used).toBe(0);
    expect(memory.peak).toBeLessThanOrEqual(4 * MIB);
  });

  test('no more pooled buffers give way than it takes, those that were freed first before others', () => {
    memory.trim();
    const [first, second, third] = [1, 0.75, 1.25].map((count) => gpu.alloc(megabytes(count), 'states'));
    for (const tensor of [third!, first!, second!]) gpu.free(tensor);
    const large = gpu.alloc(megabytes(2), 'weights');
    const again = [0.75, 1].map((count) => gpu.alloc(megabytes(count), 'states'));
    expect(again.map(({ block }) => block)).toEqual([second!.block, first!.block]);
    for (const tensor of [large, ...again]) gpu.free(tensor);
    expect(memory.used).toBe(0);
  });
});

describe('pool', () => {
  test('a freed buffer serves the next request of about its size, under a new label', () => {
    const first = gpu.alloc([1000], 'first');
    gpu.free(first);
    const second = gpu.alloc([1001], 'second');
    expect(second.block).toBe(first.block);
    expect(second.block.label).toBe('second');
    expect(second.size).toBe(4004);
    const third = gpu.alloc([1001], 'third');
    expect(third.block).not.toBe(first.block);
    gpu.free(second);
    gpu.free(third);
  });

  test('commands recorded before a buffer is freed, reused or trimmed still run', async () => {
    const scope = new Scope(gpu);
    const x = scope.upload(Float32Array.of(1), 'x');
    const [y, z] = [scope.alloc([1], 'y'), scope.alloc([1], 'z')];
    gpu.run(addAmount, { count: 1, amount: 1, x, y });
    gpu.run(addAmount, { count: 1, amount: 1, x: y, y: z });
    scope.free(y);
    const reused = scope.upload(Float32Array.of(50), 'reused');
    expect(reused.block).toBe(y.block);
    expect(new Float32Array(await gpu.read(z))[0]).toBe(3);
    gpu.run(addAmount, { count: 1, amount: 1, x: reused, y: z });
    scope.free(reused);
    memory.trim();
    expect(new Float32Array(await gpu.read(z))[0]).toBe(51);
    scope.freeAll();
    expect(memory.used).toBe(0);
  });
});

describe('scopes', () => {
  test('free everything when the work ends, and when it throws', async () => {
    await withScope(gpu, (scope) => scope.alloc([100], 'a'));
    expect(memory.used).toBe(0);
    const work = withScope(gpu, async (scope) => {
      scope.alloc([100], 'a');
      throw new Error('in the middle');
    });
    await expect(work).rejects.toThrow('in the middle');
    expect(memory.used).toBe(0);
  });

  test('do not free what was kept or is free already', async () => {
    const kept = await withScope(gpu, (scope) => {
      const early = scope.alloc([100], 'early');
      scope.free(early);
      scope.free(early);
      return scope.keep(scope.alloc([100], 'kept'));
    });
    expect(memory.used).toBe(4096);
    gpu.free(kept);
    expect(memory.used).toBe(0);
  });
});
