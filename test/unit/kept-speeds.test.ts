import { beforeEach, expect, test, vi } from 'vitest';
import { chooseVariants } from '../../src/autotune/choose-variants.ts';
import type { Speeds } from '../../src/autotune/measure-speeds.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { Kernel } from '../../src/gpu/kernel.ts';
import { gemm, gemmMixed } from '../../src/kernels/gemm/gemm.ts';
import { gemmSubgroupMatrix } from '../../src/kernels/gemm/gemm_subgroup_matrix.ts';
import { gemmTiled } from '../../src/kernels/gemm/gemm_tiled.ts';
import { gramSubgroupMatrix } from '../../src/kernels/gram/gram_subgroup_matrix.ts';
import { gramTiled } from '../../src/kernels/gram/gram_tiled.ts';
import { rowsRoundToHalf } from '../../src/pass/half-precision.ts';
import { testGpu } from '../support/gpu.ts';

const FAST: Speeds = { plain: 1e12, tiled: 5e12, wide: 4e12, subgroupMatrix: 2e13 };

let kept: Map<string, unknown>;
const store = {
  read: async (key: string) => structuredClone(kept.get(key)),
  write: async (key: string, value: unknown) => void kept.set(key, value),
};
beforeEach(() => {
  kept = new Map();
});

/** A device of a new start, and the kernels that it runs. */
async function start(setUp: (gpu: Gpu) => void = () => {}) {
  const gpu = await testGpu();
  setUp(gpu);
  const ran: Kernel[] = [];
  const run = gpu.run.bind(gpu) as (kernel: Kernel, args: never) => void;
  vi.spyOn(gpu, 'run').mockImplementation((kernel: Kernel, args) => {
    ran.push(kernel);
    // No software adapter has matrix units.
    const stands =
      kernel === gemmSubgroupMatrix ? gemmTiled : kernel === gramSubgroupMatrix ? gramTiled : kernel;
    run(stands as unknown as Kernel, args as never);
  });
  return { gpu, ran };
}

const matrixUnits =
  (accepted: boolean) =>
  (gpu: Gpu): void => {
    Object.defineProperty(gpu, 'hasMatrixUnits', { value: true });
    vi.spyOn(gpu, 'accepts').mockResolvedValue(accepted);
  };
const withMatrixUnits = matrixUnits(true);

/** Has the store hold what one start on such a device keeps, with changes. */
async function keep(change: object, setUp?: (gpu: Gpu) => void): Promise<void> {
  const { gpu } = await start(setUp);
  await chooseVariants(gpu, 'mixed', store);
  gpu.destroy();
  const [[key, entry]] = [...kept] as [[string, object]];
  kept.set(key, { ...entry, ...change });
}

test('what was measured once is not measured again', async () => {
  const first = await start();
  const measured = await chooseVariants(first.gpu, 'mixed', store);
  expect(first.ran.length).toBeGreaterThan(1);
  first.gpu.destroy();

  const second = await start();
  expect(await chooseVariants(second.gpu, 'mixed', store)).toEqual(measured);
  expect(second.ran).toEqual([]);
  second.gpu.destroy();
});

test('the speeds that were kept decide which forms are run', async () => {
  await keep({ speeds: FAST });
  const { gpu, ran } = await start();
  await chooseVariants(gpu, 'mixed', store);
  expect(gpu.prefers(gemm, gemmTiled)).toBe(true);
  expect(gpu.dispatchFlops).toBe(0.1 * FAST.tiled);
  // Kept from elsewhere: this device has none.
  expect(gpu.prefers(gemmMixed, gemmSubgroupMatrix)).toBe(false);
  expect(ran).toEqual([]);
  gpu.destroy();
});

test('speeds of another GPU of the kind decide instead of its own', async () => {
  const { gpu, ran } = await start();
  expect(await chooseVariants(gpu, 'mixed', store, FAST)).toEqual({ ...FAST, subgroupMatrix: 0 });
  expect(gpu.prefers(gemm, gemmTiled)).toBe(true);
  expect(ran).toEqual([]);
  gpu.destroy();
});

test('matrix units take whole matrices, whatever number of rows runs together', async () => {
  const { gpu } = await start(withMatrixUnits);
  expect(rowsRoundToHalf(gpu, 2048)).toBe(false);
  await chooseVariants(gpu, 'mixed', store, FAST);
  expect([2048, 1008, 1000, 1].map((length) => rowsRoundToHalf(gpu, length))).toEqual([
    ...[true, true, false, false],
  ]);
  gpu.destroy();
});

test('measures again for broken values, other kernels, another precision and after a week', async () => {
  const stale: readonly object[] = [
    { speeds: { ...FAST, tiled: 'fast' } },
    { speeds: { ...FAST, subgroupMatrix: Infinity } },
    { speeds: undefined },
    { kernels: 'of another version' },
    { measured: Date.now() - 8 * 24 * 3600 * 1000 },
  ];
  for (const change of stale) {
    kept.clear();
    await keep({ speeds: FAST, ...change });
    const { gpu, ran } = await start();
    expect((await chooseVariants(gpu, 'mixed', store))?.plain).not.toBe(FAST.plain);
    expect(ran).toContain(gemm);
    gpu.destroy();
  }
  await keep({ speeds: FAST });
  const { gpu, ran } = await start();
  await chooseVariants(gpu, 'f32', store);
  expect(ran).toContain(gemm);
  gpu.destroy();
});

test('matrix units are compared at every start, and taken while they are right', async () => {
  await keep({ speeds: FAST }, matrixUnits(false));
  const right = await start(withMatrixUnits);
  await chooseVariants(right.gpu, 'mixed', store);
  expect(right.gpu.prefers(gemmMixed, gemmSubgroupMatrix)).toBe(true);
  expect(right.ran).toContain(gemmSubgroupMatrix);
  expect(right.ran).not.toContain(gemm);
  right.gpu.destroy();

  const wrong = await start(withMatrixUnits);
  const read = wrong.gpu.read.bind(wrong.gpu);
  let reads = 0;
  vi.spyOn(wrong.gpu, 'read').mockImplementation(async (tensor) => {
    const data = await read(tensor);
    if (++reads % 2 === 0) new Float32Array(data).fill(3, 0, 10);
    return data;
  });
  expect((await chooseVariants(wrong.gpu, 'mixed', store))?.subgroupMatrix).toBe(0);
  expect(wrong.gpu.prefers(gemmMixed, gemmSubgroupMatrix)).toBe(false);
  wrong.gpu.destroy();

  const refused = await start(withMatrixUnits);
  await chooseVariants(refused.gpu, 'mixed', store);
  expect(refused.gpu.prefers(gemmMixed, gemmSubgroupMatrix)).toBe(false);
  expect(refused.ran).toEqual([]);
  refused.gpu.destroy();
});
