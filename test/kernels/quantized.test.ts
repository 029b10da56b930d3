import { afterAll, expect, test } from 'vitest';
import { chunkTable } from '../../src/exl2/chunk-table.ts';
import { resolveGroups } from '../../src/exl2/groups.ts';
import { type PackedLinear, padColumns } from '../../src/exl2/packed-linear.ts';
import { invertPermutation } from '../../src/exl2/packing.ts';
import { BIT_WIDTHS, parseParams } from '../../src/exl2/params.ts';
import { gatherColumns } from '../../src/kernels/packed_gemm/gather_columns.ts';
import { packedGemm } from '../../src/kernels/packed_gemm/packed_gemm.ts';
import { packedGemv } from '../../src/kernels/packed_gemm/packed_gemv.ts';
import { gemm } from '../../src/reference/linalg/product.ts';
import { f32ToF16Bits } from '../../src/util/half.ts';
import { expectExact, expectNmse } from '../support/compare.ts';
import { dequantizeLinear, packLinear } from '../support/exl2-linear.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats, randomIntegers, randomPermutation } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

// Weights are the same halves on both sides; what differs are f32 sums over k.
const SUM_NMSE = 1e-12;

/** A linear (k, n) with random codes, scales and order of rows; half of its scales are subnormal halves. */
function randomLinear(k: number, n: number, params: string): PackedLinear {
  const groups = resolveGroups(k, parseParams(params));
  const codes = Uint8Array.from(randomIntegers(k * n, 256, 1));
  for (const { bits, start, end } of groups)
    for (let i = start * n; i < end * n; i++) codes[i]! &= 2 ** bits - 1;
  const scaleMax = Uint16Array.from(groups, (_, i) => f32ToF16Bits(i % 2 === 0 ? 0.02 : 1.5));
  const scaleCodes = randomIntegers(groups.length * n, 16, 2).map((code) => code + 1);
  const perm = randomPermutation(k, 3);
  return packLinear({ k, n, groups, perm, codes, scaleCodes, scaleMax });
}

/** Both kernels' results beside the f64 product with the dequantized weights. */
async function products(m: number, packed: PackedLinear) {
  const { k, n } = packed;
  const perm = invertPermutation(packed.qInvPerm);
  const x = randomFloats(m * k, 4);
  const y = randomFloats(m * n, 5);
  const weights = {
    chunks: chunkTable('test', packed),
    scales: Uint32Array.from(packed.qScale),
    packed: Uint32Array.from(packed.qWeight),
  };
  const expected = gemm(x, dequantizeLinear('test', packed), m, n, k);
  const ordered = await runKernel(gpu, gatherColumns, { m, k }, { x, perm, y: new Float32Array(m * k) });
  const run = async (accumulate: number) => {
    const shape = { m, n, k, accumulate };
    const tiled = await runKernel(gpu, packedGemm, shape, { x: ordered.y, ...weights, y });
    const vector = await runKernel(gpu, packedGemv, shape, { x, perm, ...weights, y });
    return { tiled: tiled.y, vector: vector.y };
  };
  return { written: await run(0), added: await run(1), expected, sum: expected.map((v, i) => v + y[i]!) };
}

async function expectProducts(m: number, packed: PackedLinear): Promise<void> {
  const { written, added, expected, sum } = await products(m, packed);
  expectNmse(written.tiled, expected, SUM_NMSE);
  expectNmse(written.vector, expected, SUM_NMSE);
  expectNmse(added.tiled, sum, SUM_NMSE);
  expectNmse(added.vector, sum, SUM_NMSE);
}

test.each(BIT_WIDTHS)('a linear of %i bits', async (bits) => {
  await expectProducts(3, randomLinear(64, 32, `1:${bits}b_32g`));
});

// The tiled kernel makes 16 rows an invocation and 128 a workgroup; both make 32 columns.
test.each([
  [1, 32, 1, '1:3b_32g'],
  [17, 32, 33, '1:5b_128g'],
  [129, 96, 40, '0.1:8b_32g/0.9:2b_64g'],
  [2, 160, 64, '0.3:6b_32g/0.3:5b_32g/0.4:3b_64g'],
  [8, 544, 96, '0.1:8b_128g/0.2:4b_32g/0.7:3b_128g'],
])('%i tokens by (%i, %i) of %s', async (m, k, n, params) => {
  const packed = randomLinear(k, n, params);
  expect(packed.n).toBe(padColumns(n));
  await expectProducts(m, packed);
});

test('identity rows give the dequantized weights exactly', async () => {
  const packed = randomLinear(64, 32, '0.5:4b_32g/0.5:3b_32g');
  const { k, n } = packed;
  const identity = Float32Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0));
  const weights = {
    chunks: chunkTable('test', packed),
    scales: Uint32Array.from(packed.qScale),
    packed: Uint32Array.from(packed.qWeight),
    y: new Float32Array(k * n),
  };
  const perm = Uint32Array.from({ length: k }, (_, i) => packed.qInvPerm.indexOf(i));
  const { y } = await runKernel(
    gpu,
    packedGemv,
    { m: k, n, k, accumulate: 0 },
    { x: identity, perm, ...weights },
  );
  expectExact(y, dequantizeLinear('test', packed));
});

test('gather_columns of a row that does not fill a workgroup', async () => {
  const { y } = await runKernel(
    gpu,
    gatherColumns,
    { m: 2, k: 3 },
    { x: Float32Array.of(1, 2, 3, 4, 5, 6), perm: Uint32Array.of(2, 0, 1), y: new Float32Array(6) },
  );
  expect([...y]).toEqual([3, 1, 2, 6, 4, 5]);
});
