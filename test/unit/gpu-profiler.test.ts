import { afterAll, expect, test } from 'vitest';
import { Profiler } from '../../src/gpu/profiler.ts';
import { Scope } from '../../src/gpu/scope.ts';
import { testGpu } from '../support/gpu.ts';
import { eventually } from '../support/patience.ts';
import { addAmount, showScalars } from '../support/test-kernels.ts';

const gpu = await testGpu();
const scope = new Scope(gpu);
afterAll(() => gpu.destroy());

test('every dispatch is counted under its section and kernel, over many submissions, and computes the same', async () => {
  const [a, b] = [scope.upload(new Float32Array(1), 'a'), scope.alloc([1], 'b')];
  const shown = scope.alloc([3], 'shown');
  const profiler = new Profiler(gpu.device, ({ name }, args) =>
    name === addAmount.name ? { flops: Number(args['amount']), bytes: 8 } : {},
  );
  gpu.profiler = profiler;
  for (const [section, rounds] of [['first', 300] as const, ['second', 7] as const]) {
    profiler.section = section;
    for (let i = 0; i < rounds; i++) {
      gpu.run(addAmount, { count: 1, amount: 3, x: a, y: b });
      gpu.run(addAmount, { count: 1, amount: 0, x: b, y: a });
      gpu.run(showScalars, { y: shown, real: 1, signed: 1, unsigned: i });
      if (i % 10 === 0) gpu.copy(a, b);
    }
  }
  expect(new Float32Array(await gpu.read(a))[0]).toBe(3 * 307);
  gpu.profiler = undefined;
  gpu.run(addAmount, { count: 1, amount: 1, x: a, y: b });
  await gpu.sync();

  const times = await profiler.times();
  const counts = times.map(({ section, kernel, dispatches, flops, bytes }) => [
    `${section} ${kernel}`,
    { dispatches, flops, bytes },
  ]);
  expect(Object.fromEntries(counts)).toEqual({
    [`first ${addAmount.name}`]: { dispatches: 600, flops: 900, bytes: 4800 },
    [`second ${addAmount.name}`]: { dispatches: 14, flops: 21, bytes: 112 },
    [`first ${showScalars.name}`]: { dispatches: 300, flops: 0, bytes: 0 },
    [`second ${showScalars.name}`]: { dispatches: 7, flops: 0, bytes: 0 },
  });
  const seconds = times.map((time) => time.seconds);
  expect(seconds).toEqual([...seconds].sort((x, y) => y - x));
  expect(seconds.every((value) => value > 0)).toBe(true);
});

test('the time of a run of dispatches is within the time that they take', async () => {
  const count = 2 ** 20;
  const [x, y] = [scope.alloc([count], 'x'), scope.alloc([count], 'y')];
  gpu.run(addAmount, { count, amount: 1, x, y });
  await gpu.sync();
  // Other programs may take the processor in between, so not every try shows it.
  await eventually(async () => {
    const profiler = new Profiler(gpu.device, () => ({}));
    gpu.profiler = profiler;
    const started = performance.now();
    for (let i = 0; i < 10; i++) gpu.run(addAmount, { count, amount: 1, x, y });
    await gpu.sync();
    const wall = (performance.now() - started) / 1000;
    gpu.profiler = undefined;
    const [time] = await profiler.times();
    expect(time!.dispatches).toBe(10);
    expect(time!.seconds).toBeLessThanOrEqual(wall);
    expect(time!.seconds).toBeGreaterThan(wall / 10);
  });
});
