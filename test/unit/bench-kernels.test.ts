import { afterAll, describe, expect, test } from 'vitest';
import { benchKernel, chosenKernels } from '../../src/cli/bench/kernel-bench.ts';
import { DIVISORS, KernelInputs, sizesOver } from '../../src/cli/bench/kernel-inputs.ts';
import { KERNELS } from '../../src/cli/bench/kernel-registry.ts';
import { kernelWork } from '../../src/cli/bench/kernel-work.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { attention } from '../../src/kernels/attention/attention.ts';
import { gemm } from '../../src/kernels/gemm/gemm.ts';
import { gemmWide } from '../../src/kernels/gemm/gemm_wide.ts';
import { blockUpdate } from '../../src/kernels/gptq/block_update.ts';
import { groupUpdate } from '../../src/kernels/gptq/group_update.ts';
import { rmsNorm } from '../../src/kernels/rms_norm/rms_norm.ts';
import { triangularInverse } from '../../src/kernels/triangular_inverse/triangular_inverse.ts';
import { fitsWideGemm, smallGpu, testGpu } from '../support/gpu.ts';
import { eventually } from '../support/patience.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

/** A tensor that only has its shape. */
const ofShape = (...shape: number[]) => ({ shape, size: shape.reduce((a, b) => a * b, 4) });

describe('operations and bytes', () => {
  test('of a product, which may read what it adds to', () => {
    const sizes = { m: 3, n: 5, k: 7 };
    expect(kernelWork(gemm, { ...sizes, accumulate: 0 })).toEqual({ flops: 210, bytes: 4 * (21 + 35 + 15) });
    expect(kernelWork(gemm, { ...sizes, accumulate: 1 }).bytes).toBe(4 * (21 + 35 + 30));
  });

  test('of attention: two products for each pair of a query and a key that it sees', () => {
    let pairs = 0;
    for (let query = 0; query < 6; query++)
      for (let key = 0; key < 4 + 6; key++) if (key <= 4 + query) pairs++;
    const args = { length: 6, heads: 4, kvHeads: 2, d: 8, past: 4, rows: 3, window: 6, scale: 1, softcap: 0 };
    expect(kernelWork(attention, args).flops).toBe(3 * 4 * pairs * 2 * 2 * 8);
  });

  test('of a triangular inverse, over all steps: a block (i, j) takes i − j products in all', () => {
    const k = 416;
    const wanted = { first: 0, second: 0 };
    const counted = { first: 0, second: 0 };
    for (let side = 32; side < k; side *= 2) {
      for (let i = 0; i < k / 32; i++) {
        for (let j = 0; j < i; j++) {
          const blocks = side / 32;
          // Neighbours, the first of them even.
          if (Math.floor(j / blocks) % 2 === 1 || Math.floor(i / blocks) !== Math.floor(j / blocks) + 1)
            continue;
          wanted.first += blocks - (j % blocks);
          wanted.second += (i % blocks) + 1;
        }
      }
      const pairs = Math.ceil((k - side) / (2 * side));
      for (const half of ['first', 'second'] as const) {
        for (const start of [0, 128]) {
          const rows = start === 0 ? Math.min(side, 128) : side - 128;
          if (rows <= 0) continue;
          // The summed index in two parts, as if it lay in two panels.
          for (const [rightFirst, rightEnd] of [
            [0, 256],
            [256, k],
          ] as const) {
            const args = { side, aStart: 0, pairs, start, rows, first: 0, end: k, rightFirst, rightEnd };
            counted[half] += kernelWork(triangularInverse[half], args).flops!;
          }
        }
      }
    }
    const products = 2 * 32 ** 3;
    expect(counted).toEqual({ first: wanted.first * products, second: wanted.second * products });
  });

  test('of feeding errors forward, over all steps: each row takes in the errors of all groups before its own', () => {
    const [k, n, candidates, groupRows, blockRows] = [512, 64, 3, 32, 256];
    const groups = k / groupRows;
    const tensors = {
      current: ofShape(candidates, 128, n),
      scaleMax: ofShape(groups * candidates),
      jobs: ofShape((groups + 2) * candidates * 6),
    };
    let flops = 0;
    let job = 0;
    for (let step = 0; step < groups; step++) {
      const kernels = (step * groupRows) % blockRows === 0 ? [blockUpdate, groupUpdate] : [groupUpdate];
      for (const kernel of kernels) {
        flops += kernelWork(kernel, { k, n, job, jobCount: candidates, ...tensors }).flops!;
        job += candidates;
      }
    }
    const groupsBefore = (groups * (groups - 1)) / 2;
    expect(flops).toBeCloseTo(candidates * 2 * n * groupRows ** 2 * groupsBefore, 6);
  });

  test('of a kernel that sees everything once: bytes alone', () => {
    const args = { x: ofShape(4, 8), weight: ofShape(8), y: ofShape(4, 8) };
    expect(kernelWork(rmsNorm, args)).toEqual({ bytes: 4 * (32 + 8 + 32) });
  });
});

const fitting = Object.keys(KERNELS).filter((name) => name !== gemmWide.name || fitsWideGemm(gpu));

test.each(fitting)('%s runs on its inputs', async (name) => {
  await withScope(gpu, async (scope) => {
    const { kernel, args } = KERNELS[name]!(new KernelInputs(gpu, scope, sizesOver(DIVISORS[0]!)));
    expect(kernel.name.startsWith(name)).toBe(true);
    gpu.run(kernel, args);
    const bytes = await gpu.read(args[Object.keys(kernel.outputs)[0]!]!);
    expect(new Uint8Array(bytes).some((byte) => byte !== 0)).toBe(true);
    const scalars = Object.keys(kernel.scalars).map((scalar) => args[scalar]);
    expect(scalars.every((value) => Number.isFinite(value))).toBe(true);
  });
});

test('a kernel is timed at a size that this adapter does in about a second', async () => {
  // Other programs may take the processor, so not every try is one.
  const { kernel, size, seconds, flops } = await eventually(async () => {
    const timed = await benchKernel(gpu, 'cholesky_update', new AbortController().signal);
    expect(timed!.seconds).toBeLessThan(20);
    return timed!;
  });
  expect({ kernel, start: size.split(', ')[1] }).toEqual({ kernel: 'cholesky_update', start: 'start 0' });
  const k = Number(/^rows (\d+)/.exec(size)![1]);
  expect(flops).toBe(32 * (k - 32) ** 2);
  expect(seconds).toBeGreaterThan(0);
});

test('a kernel that needs more than the GPU has is left out', async () => {
  const small = await smallGpu();
  expect(await benchKernel(small, gemmWide.name, new AbortController().signal)).toBeUndefined();
  await small.sync();
  small.destroy();
});

test('names', () => {
  expect(chosenKernels(['gram', 'gemm', 'gram'])).toEqual(['gram', 'gemm']);
  expect(chosenKernels(['all'])).toEqual(Object.keys(KERNELS));
  expect(() => chosenKernels(['gemm', 'gem'])).toThrow(
    '--kernel gem: expected all or some of gemm, gemm_large',
  );
});
