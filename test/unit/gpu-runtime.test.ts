import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { create } from 'webgpu';
import { openGpu } from '../../src/gpu/device.ts';
import { Scope, withScope } from '../../src/gpu/scope.ts';
import { view } from '../../src/gpu/tensor.ts';
import { addBias } from '../../src/kernels/elementwise/add_bias.ts';
import { gatedActivation } from '../../src/kernels/elementwise/gated_activation.ts';
import { columnSumSquares } from '../../src/kernels/gram/column_sum_squares.ts';
import { InternalError } from '../../src/util/errors.ts';
import { expectExact } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';
import { addAmount, scaledScalars, showScalars } from '../support/test-kernels.ts';

const gpu = await testGpu();
/** Must stay referenced for as long as its devices live. */
const webgpu = create([]);
afterAll(() => gpu.destroy());

let scope: Scope;
beforeEach(() => {
  scope = new Scope(gpu);
});
afterEach(() => scope.freeAll());

const floats = async (tensor: Parameters<typeof gpu.read>[0]) => new Float32Array(await gpu.read(tensor));
const numbers = (...values: number[]) => Float32Array.from(values);

describe('arguments', () => {
  test('scalars of every type, in declared order whatever the order of the arguments; constants', async () => {
    const y = scope.alloc([3], 'y');
    gpu.run(showScalars, { y, real: -1.375, signed: -7, unsigned: 9 });
    expect([...new Int32Array(await gpu.read(y))]).toEqual([9, -7, -11]);
    gpu.run(scaledScalars(100), { y, real: 0.5, signed: 2, unsigned: 3 });
    gpu.run(showScalars, { y: y, real: 0.5, signed: 2, unsigned: 3 });
    expect([...new Int32Array(await gpu.read(y))]).toEqual([3, 2, 4]);
    gpu.run(scaledScalars(100), { y, real: 0.5, signed: 2, unsigned: 3 });
    expect([...new Int32Array(await gpu.read(y))]).toEqual([300, 200, 400]);
  });

  test('views with offsets, of inputs and outputs', async () => {
    const x = scope.upload(
      Float32Array.from({ length: 256 }, (_, i) => i),
      'x',
    );
    const y = scope.upload(new Float32Array(256), 'y');
    gpu.run(addAmount, { count: 64, amount: 0.5, x: view(x, 128, [64]), y: view(y, 64, [64]) });
    expectExact(
      await floats(y),
      Array.from({ length: 256 }, (_, i) => (i >= 64 && i < 128 ? i + 64.5 : 0)),
    );
    expectExact(await floats(view(y, 64, [2])), [128.5, 129.5]);
  });

  test('a kernel writes nothing past its view, unless this guard is off as for software adapters', async () => {
    const guarded = await openGpu((await webgpu.requestAdapter())!, 2 ** 20);
    await withScope(guarded, async (scope) => {
      const x = scope.upload(new Float32Array(256), 'x');
      const y = scope.upload(new Float32Array(256), 'y');
      guarded.run(addAmount, { count: 192, amount: 1, x, y: view(y, 0, [64]) });
      const written = new Float32Array(await guarded.read(y));
      expectExact(written.subarray(128), new Float32Array(128));
    });
    guarded.destroy();
  });

  test('views of views, and views that do not fit', () => {
    const x = scope.alloc([4, 64], 'x');
    expect(view(view(x, 64, [3, 64]), 128, [64])).toEqual({ ...x, offset: 768, size: 256, shape: [64] });
    expect(() => view(x, 192, [65])).toThrow(RangeError);
    expect(() => view(x, 32, [64])).toThrow('view of 256 bytes at 128 in a tensor of 1024 bytes');
  });
});

describe('order', () => {
  test('a write after a run does not reach that run; a run after it sees it', async () => {
    const x = scope.upload(numbers(1, 2), 'x');
    const first = scope.alloc([2], 'first');
    const second = scope.alloc([2], 'second');
    gpu.run(addAmount, { count: 2, amount: 10, x, y: first });
    gpu.write(x, numbers(5, 6));
    gpu.run(addAmount, { count: 2, amount: 10, x, y: second });
    expect([...(await floats(first)), ...(await floats(second))]).toEqual([11, 12, 15, 16]);
  });

  test('copy and zero stand in line with runs', async () => {
    const x = scope.upload(numbers(1), 'x');
    const y = scope.alloc([1], 'y');
    const kept = scope.alloc([1], 'kept');
    gpu.run(addAmount, { count: 1, amount: 1, x, y });
    gpu.copy(y, kept);
    gpu.run(addAmount, { count: 1, amount: 1, x: kept, y });
    gpu.zero(kept);
    expect([...(await floats(y)), ...(await floats(kept))]).toEqual([3, 0]);
    expect(() => gpu.copy(x, scope.alloc([2], 'larger'))).toThrow(InternalError);
  });

  test('more dispatches than one submission holds, each with its own scalars', async () => {
    const [a, b] = [scope.upload(numbers(0), 'a'), scope.alloc([1], 'b')];
    for (let i = 1; i <= 700; i++) {
      gpu.run(addAmount, { count: 1, amount: i, x: a, y: b });
      gpu.run(addAmount, { count: 1, amount: -1, x: b, y: a });
    }
    expect([...(await floats(a))]).toEqual([(700 * 701) / 2 - 700]);
  });

  test('large writes, more at once than stay mapped, each before what comes after it', async () => {
    const own = await testGpu();
    const words = 2 ** 22; // 16 MiB
    const data = new Uint32Array(words);
    const [large, seen] = [own.alloc([words], 'large'), own.alloc([40], 'seen')];
    for (let i = 0; i < 20; i++) {
      data.fill(1000 + i);
      own.write(large, data);
      own.copyPart(large, 0, seen, 8 * i, 4);
      own.copyPart(large, 4 * (words - 1), seen, 8 * i + 4, 4);
    }
    const expected = Array.from({ length: 40 }, (_, i) => 1000 + Math.floor(i / 2));
    expect([...new Uint32Array(await own.read(seen))]).toEqual(expected);
    own.write(large, data.fill(7)); // through memory that is mapped again
    expect(new Uint32Array(await own.read(large)).every((word) => word === 7)).toBe(true);
    own.destroy();
  });

  test('dispatches of several submissions that nobody waited for', async () => {
    const x = scope.upload(numbers(0), 'x');
    const results = Array.from({ length: 20 }, (_, i) => scope.alloc([1], `result ${i}`));
    results.forEach((y, i) => {
      gpu.run(addAmount, { count: 1, amount: i, x, y });
      gpu.flush();
    });
    const read = await Promise.all(results.map(floats));
    expect(read.map(([value]) => value)).toEqual(results.map((_, i) => i));
  });
});

test('a preferred variant runs where the kernel is asked for', async () => {
  const own = await testGpu();
  const y = own.alloc([3], 'y');
  own.prefer(showScalars, scaledScalars(10));
  own.run(showScalars, { y, real: 0.5, signed: 2, unsigned: 3 });
  expect([...new Int32Array(await own.read(y))]).toEqual([30, 20, 40]);
  own.destroy();
});

test('a variant runs where the scalars suit it, the last preferred first', async () => {
  const own = await testGpu();
  const y = own.alloc([3], 'y');
  own.prefer(showScalars, scaledScalars(10), ({ unsigned }) => unsigned < 10);
  own.prefer(showScalars, scaledScalars(100), ({ unsigned }) => unsigned < 5);
  const results: number[] = [];
  for (const unsigned of [3, 7, 11]) {
    own.run(showScalars, { y, real: 0.5, signed: 2, unsigned });
    results.push(new Int32Array(await own.read(y))[0]!);
  }
  expect(results).toEqual([300, 70, 11]);
  own.destroy();
});

describe('sizes', () => {
  test('a grid over 65535 workgroups is folded', async () => {
    const [m, n] = [5, 1_000_003];
    expect(Math.ceil((m * n) / 64)).toBeGreaterThan(65535);
    const row = randomFloats(n, 1);
    const y = scope.alloc([m, n], 'y');
    gpu.zero(y);
    gpu.run(addBias, { m, n, bias: scope.upload(row, 'row'), y });
    const filled = await floats(y);
    for (let i = 0; i < m; i++)
      expect(Buffer.compare(Buffer.from(filled.buffer, i * n * 4, n * 4), Buffer.from(row.buffer))).toBe(0);
  });

  test('a grid over the limit in its second dimension is refused', () => {
    const kernel = { ...gatedActivation, workgroups: () => [2, 65536] as const };
    const [up, gate] = [scope.alloc([1], 'up'), scope.alloc([1], 'gate')];
    expect(() => gpu.run(kernel, { count: 1, activation: 0, up, gate })).toThrow('2×65536×1 workgroups');
  });

  test('a kernel that does not know of folding is refused a grid over the limit', () => {
    const kernel = { ...columnSumSquares, workgroups: () => [65536] as const };
    const [x, p] = [scope.alloc([1, 64], 'x'), scope.alloc([64], 'p')];
    expect(() => gpu.run(kernel, { m: 1, k: 64, x, p })).toThrow('65536×1×1 workgroups');
  });

  test('a run of no workgroups does nothing', async () => {
    const y = scope.upload(numbers(4), 'y');
    gpu.run(addAmount, { count: 0, amount: 1, x: scope.alloc([1], 'x'), y });
    expect([...(await floats(y))]).toEqual([4]);
  });

  test('an upload to the middle of a tensor', async () => {
    const x = scope.upload(new Float32Array(8), 'x');
    await gpu.upload(x, 12, numbers(1, 2));
    expectExact(await floats(x), [0, 0, 0, 1, 2, 0, 0, 0]);
    await expect(gpu.upload(x, 28, numbers(1, 2))).rejects.toThrow('write of 8 bytes at 28 into 32');
  });

  test('an upload larger than one staging chunk, from the middle of an array', async () => {
    const data = Float32Array.from({ length: 5_000_000 }, (_, i) => i % 9973);
    const x = scope.alloc([data.length], 'x');
    const part = data.subarray(3);
    const same = async () =>
      Buffer.from(await gpu.read(x), 0, part.byteLength).equals(
        Buffer.from(part.buffer, part.byteOffset, part.byteLength),
      );
    gpu.write(x, part);
    expect(await same()).toBe(true);
    gpu.zero(x);
    await gpu.upload(x, 0, part);
    expect(await same()).toBe(true);
    expect(() => gpu.write(scope.alloc([4], 'small'), data)).toThrow(/write of 20000000 bytes .*into 16/);
  });
});
