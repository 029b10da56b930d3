import { afterEach, describe, expect, test } from 'vitest';
import { InOrder } from '../../src/gpu/driver/in-order.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { OutOfMemoryError } from '../../src/util/errors.ts';
import { testGpu } from '../support/gpu.ts';
import { addAmount } from '../support/test-kernels.ts';

describe('actions in order', () => {
  /** Room for one byte, and for all after waiting. */
  function waiting() {
    const [done, errors]: [string[], unknown[]] = [[], []];
    let goOn = () => {};
    const told = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let room = 1;
    const wait = async () => {
      done.push('wait');
      await told;
      room = 100;
    };
    const order = new InOrder({ has: (bytes) => bytes <= room, wait }, (error) => errors.push(error));
    const note = (what: string, bytes = 0) => order.do(() => void done.push(what), bytes);
    return { order, done, errors, note, goOn: () => goOn() };
  }

  test('with room are done at once; from the first without on they wait, and end in order', async () => {
    const { order, done, note, goOn } = waiting();
    note('a', 1);
    note('b');
    expect(done).toEqual(['a', 'b']);
    note('large', 2);
    note('c');
    const result = order.result(() => done.length);
    note('d', 1);
    expect(order.isWaiting).toBe(true);
    expect(done).toEqual(['a', 'b', 'wait']);
    goOn();
    await order.settled();
    expect(order.isWaiting).toBe(false);
    expect(done).toEqual(['a', 'b', 'wait', 'large', 'c', 'd']);
    expect(await result).toBe(5);
    note('e');
    expect(done.at(-1)).toBe('e');
  });

  test('that throw: at once to the caller; later it is told, and the others go on', async () => {
    const { order, done, errors, note, goOn } = waiting();
    const fail = () => {
      throw new Error('broken');
    };
    expect(() => order.do(fail)).toThrow('broken');
    await expect(order.result(fail)).rejects.toThrow('broken');
    note('large', 2);
    order.do(fail);
    const result = order.result(fail);
    note('after');
    expect(errors).toEqual([]);
    goOn();
    await expect(result).rejects.toThrow('broken');
    await order.settled();
    expect(errors).toEqual([new Error('broken')]);
    expect(done.at(-1)).toBe('after');
  });
});

describe('memory of destroyed buffers', () => {
  const MIB = 2 ** 20;
  const megabytes = (count: number) => [(count * MIB) / 4];
  const opened: Gpu[] = [];
  afterEach(() => {
    for (const gpu of opened.splice(0)) gpu.destroy();
  });

  /** With a budget of 4 MiB, of which the driver holds 3 for a freed block. */
  async function almostFull(): Promise<Gpu> {
    const gpu = await testGpu(4 * MIB);
    opened.push(gpu);
    gpu.free(gpu.alloc(megabytes(3), 'states'));
    expect(gpu.driver.held).toBe(3 * MIB);
    return gpu;
  }

  test('is waited for: never is more held than the budget, and all runs in call order', async () => {
    const gpu = await almostFull();
    const x = gpu.alloc(megabytes(2), 'weights');
    const y = gpu.alloc(megabytes(2), 'result');
    // The driver holds what was destroyed: it makes no new buffer yet.
    expect(gpu.driver.held).toBe(3 * MIB);
    expect(gpu.memory.used).toBe(4 * MIB);
    const data = Float32Array.of(1, 2, 3, 4);
    gpu.write(x, data);
    data.fill(50);
    gpu.zero(y);
    gpu.run(addAmount, { count: 4, amount: 1, x, y });
    const [read, part] = [gpu.read(y), { ...y, size: 16 }];
    gpu.copyPart(x, 0, y, 0, 16);
    gpu.flush();
    expect([...new Float32Array(await read)].slice(0, 5)).toEqual([2, 3, 4, 5, 0]);
    expect([...new Float32Array(await gpu.read(part))]).toEqual([1, 2, 3, 4]);
    expect(gpu.driver.held).toBe(4 * MIB);
    expect(gpu.memory.peak).toBe(4 * MIB);
    for (const tensor of [x, y]) gpu.free(tensor);
    // Over and over: each size gives way to the next before any of them is made.
    for (const count of [3, 2, 4, 1, 3.5]) gpu.free(gpu.alloc(megabytes(count), 'states'));
    await gpu.sync();
    expect(gpu.memory.peak).toBe(4 * MIB);
    expect(gpu.driver.held).toBeLessThanOrEqual(4 * MIB);
  });

  test('is waited for by an upload too: when that is done, its data may change', async () => {
    const gpu = await almostFull();
    const y = gpu.alloc([4], 'y');
    const data = Float32Array.of(1, 2, 3, 4);
    const uploaded = gpu.upload(y, 0, data);
    const x = gpu.alloc(megabytes(2), 'weights'); // has to wait, and what comes after it too
    await uploaded;
    data.fill(50);
    expect([...new Float32Array(await gpu.read(y))]).toEqual([1, 2, 3, 4]);
    for (const tensor of [x, y]) gpu.free(tensor);
  });

  test('is back after a recovery', async () => {
    const gpu = await almostFull();
    await gpu.recover();
    expect(gpu.driver.held).toBe(0);
    gpu.free(gpu.alloc(megabytes(4), 'weights'));
    expect(gpu.driver.held).toBe(4 * MIB);
  });

  test('a buffer that is refused when its turn comes fails the next wait; the GPU works on without it', async () => {
    const gpu = await almostFull();
    const { createBuffer } = gpu.device;
    gpu.device.createBuffer = (descriptor) => {
      if (descriptor.label === 'weights') throw new RangeError('createBuffer failed');
      return createBuffer.call(gpu.device, descriptor);
    };
    const [x, y] = [gpu.alloc(megabytes(2), 'weights'), gpu.alloc([4], 'y')];
    gpu.write(x, Float32Array.of(1, 2, 3, 4));
    gpu.run(addAmount, { count: 4, amount: 1, x, y });
    await expect(gpu.sync()).rejects.toThrow(OutOfMemoryError);
    expect(() => gpu.run(addAmount, { count: 4, amount: 1, x, y })).toThrow('no memory for weights');
    await expect(gpu.read(x)).rejects.toThrow('no memory for weights');
    gpu.free(x);
    const other = gpu.alloc(megabytes(1), 'other weights');
    gpu.write(other, Float32Array.of(1, 2, 3, 4));
    gpu.run(addAmount, { count: 4, amount: 1, x: other, y });
    expect([...new Float32Array(await gpu.read(y))]).toEqual([2, 3, 4, 5]);
    for (const tensor of [other, y]) gpu.free(tensor);
    expect(gpu.memory.used).toBe(0);
  });
});
