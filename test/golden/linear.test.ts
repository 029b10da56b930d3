import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveGroups } from '../../src/exl2/groups.ts';
import { padColumns } from '../../src/exl2/packed-linear.ts';
import { paramsFromJson } from '../../src/exl2/params-json.ts';
import { unpackLinear } from '../../src/exl2/unpacking.ts';
import { factorHessian, type HessianFactor } from '../../src/gptq/factor.ts';
import { dequantizeInto } from '../../src/gptq/gpu-linear.ts';
import { quantizeCandidates } from '../../src/gptq/quantizer.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { Scope } from '../../src/gpu/scope.ts';
import { GOLDEN_DIR } from '../support/architectures.ts';
import { type GoldenLinear, readGoldenLinear } from '../support/golden-linear.ts';
import { testGpu } from '../support/gpu.ts';

const NAMES = ['attn_q', 'attn_k', 'odd_shape', 'attn_o', 'mlp_up', 'mlp_down'].filter((name) =>
  existsSync(`${GOLDEN_DIR}/linear/${name}.safetensors`),
);

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());

test('the fixtures are there', () => {
  expect(NAMES.slice(0, 3)).toEqual(['attn_q', 'attn_k', 'odd_shape']);
});

/** tr(D H Dᵀ), D (n, k) row by row. */
function quadratic(d: Float64Array, h: Float32Array, k: number): number {
  let sum = 0;
  for (let row = 0; row < d.length / k; row++) {
    for (let i = 0; i < k; i++) {
      let inner = 0;
      for (let j = 0; j < k; j++) inner += h[i * k + j]! * d[row * k + j]!;
      sum += d[row * k + i]! * inner;
    }
  }
  return sum;
}

describe.each(NAMES)('%s', (name) => {
  test('quantizing gives the codes and the proxy loss of ExLlamaV2, from its factor and from its Hessian', async () => {
    const golden = await readGoldenLinear(`${GOLDEN_DIR}/linear/${name}.safetensors`);
    const scope = new Scope(gpu);
    const own = await factorHessian(gpu, scope, name, uploadCopy(scope, golden.hessian), golden.k, 1);
    expect([...own.perm]).toEqual([...golden.perm]);
    expect(own.attempts).toBe(1);
    const theirs = { ...own, hessianInv: uploadCopy(scope, golden.hessianInv) };
    await compare(scope, golden, theirs);
    await compare(scope, golden, own);
    scope.freeAll();
  });
});

function uploadCopy(scope: Scope, data: Float32Array) {
  return scope.upload(Float32Array.from(data), 'golden data');
}

async function compare(scope: Scope, golden: GoldenLinear, factor: HessianFactor): Promise<void> {
  const { k, n } = golden;
  const nPadded = padColumns(n);
  const w = new Float32Array(k * nPadded);
  for (let j = 0; j < n; j++) for (let i = 0; i < k; i++) w[i * nPadded + j] = golden.weight[j * k + i]!;
  const groups = golden.cases.map(({ params }) => resolveGroups(k, paramsFromJson(params, 'case')));
  const slices = [{ w: scope.upload(w, 'weight'), n: nPadded }];
  const input = { what: 'golden', slices, factor };
  const results = quantizeCandidates(gpu, scope, input, groups).flat();
  for (const [i, result] of results.entries()) {
    const expected = unpackLinear('golden', golden.cases[i]!.packed);
    const codes = new Uint8Array(await gpu.read(result.codes));
    let equal = 0;
    for (let row = 0; row < k; row++) {
      for (let j = 0; j < n; j++) {
        const at = ((row >> 2) * nPadded + j) * 4 + (row & 3);
        if (codes[at] === expected.codes[row * nPadded + j]) equal++;
      }
    }
    expect(equal / (k * n), `case ${i}: share of equal codes`).toBeGreaterThanOrEqual(0.999);
    const q = scope.alloc([k, nPadded], 'dequantized');
    dequantizeInto(gpu, result, q);
    const values = new Float32Array(await gpu.read(q));
    const d = new Float64Array(n * k);
    for (let j = 0; j < n; j++)
      for (let r = 0; r < k; r++) d[j * k + r] = w[r * nPadded + j]! - values[r * nPadded + j]!;
    const loss =
      quadratic(d, golden.hessian, k) / quadratic(Float64Array.from(golden.weight), golden.hessian, k);
    const relative = loss / golden.cases[i]!.relativeProxyLoss;
    expect(Math.abs(relative - 1), `case ${i}: proxy loss against ExLlamaV2's`).toBeLessThan(1e-3);
    scope.free(q);
  }
}
