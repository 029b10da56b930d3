import { afterAll, describe, test } from 'vitest';
import { embed } from '../../src/kernels/embed/embed.ts';
import { expectExact } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomIntegers } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';
import { STORED, STORED_DTYPES } from '../support/stored-floats.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

describe.each(STORED_DTYPES)('embed from %s is exact', (dtype) => {
  // A workgroup makes 64 elements; more than 65535 workgroups fold into a second dimension.
  test.each([
    [32, 1, 1],
    [32, 3, 7],
    [96, 50, 33],
    [2048, 4, 2049],
  ])('vectors of %i, %i of them, %i tokens', async (k, vectors, m) => {
    const file = STORED[dtype].source(vectors * k);
    const values = STORED[dtype].values(file);
    const place = Uint32Array.from(randomIntegers(m, vectors, 2));
    const contents = {
      source: new Uint32Array(file.buffer),
      place,
      y: new Float32Array(m * k).fill(Number.NaN),
    };
    const { y } = await runKernel(gpu, embed[dtype], { m, k }, contents);
    expectExact(
      y,
      y.map((_, i) => values[place[Math.floor(i / k)]! * k + (i % k)]!),
    );
  });
});
