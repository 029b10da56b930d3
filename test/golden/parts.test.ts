import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveGroups } from '../../src/exl2/groups.ts';
import { parseParams } from '../../src/exl2/params.ts';
import { quantizeCandidates } from '../../src/gptq/quantizer.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { inParts } from '../../src/gpu/parts.ts';
import { Scope } from '../../src/gpu/scope.ts';
import { captureHessians } from '../../src/measure/original-module.ts';
import { HiddenStates } from '../../src/model/gpu/states/states.ts';
import { loadModule } from '../../src/pass/loaded-module.ts';
import { GOLDEN_DIR } from '../support/architectures.ts';
import { stageContext } from '../support/conversion.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';
import { readTriangle } from '../support/triangle.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());

/** Outputs of both modules of a layer, the factor of the first Hessian, and codes of a linear by three candidates. */
async function run(dispatchFlops: number) {
  gpu.dispatchFlops = dispatchFlops;
  const context = await stageContext(gpu, `${GOLDEN_DIR}/architectures/llama3_rope`);
  const [rows, length, hidden] = [3, 48, context.plan.config.hiddenSize];
  const scope = new Scope(gpu);
  const states = [0, 1, 2].map(() => new HiddenStates(gpu, rows, length, hidden));
  try {
    for (let row = 0; row < rows; row++)
      await states[0]!.writeRow(row, randomFloats(length * hidden, row + 1));
    const results: Uint8Array[] = [];
    for (const [i, module] of context.plan.modules.slice(0, 2).entries()) {
      const loaded = await loadModule(context, scope, module, length);
      const [input, output] = [states[i]!, states[i + 1]!];
      const { factors } = await captureHessians(context, scope, loaded, input, output, rows);
      for (let row = 0; row < rows; row++)
        results.push(new Uint8Array((await output.readRow(row)).slice().buffer));
      const linear = module.linears[0]!;
      const factor = factors.get(linear.input)!;
      results.push(new Uint8Array((await readTriangle(gpu, factor.inverse)).buffer));
      const { slices } = loaded.linears.get(linear.name)!;
      const candidates = ['1:4b_32g', '1:3b_32g', '1:2b_64g'].map((text) =>
        resolveGroups(linear.k, parseParams(text)),
      );
      const input2 = { what: linear.key, slices, factor, method: 'refined' as const };
      for (const [version] of quantizeCandidates(gpu, scope, input2, candidates))
        results.push(new Uint8Array(await gpu.read(version!.codes)));
    }
    return results;
  } finally {
    for (const state of states) await state.free();
    scope.freeAll();
  }
}

test('work in parts has the same result, bit for bit but for the order of Hessian sums', async () => {
  const whole = await run(Number.POSITIVE_INFINITY);
  const parts = await run(1e5);
  expect(parts.length).toBe(whole.length);
  // Outputs of the first module: products and attention.
  for (const i of [0, 1, 2]) expect(parts[i]).toEqual(whole[i]);
  const inverse = [whole[3]!, parts[3]!].map((bytes) => new Float32Array(bytes.buffer));
  const largest = Math.max(...inverse[0]!.map(Math.abs));
  expect(Math.max(...inverse[0]!.map((x, i) => Math.abs(x - inverse[1]![i]!)))).toBeLessThan(1e-5 * largest);
  // What lies at a tie may round the other way with it.
  for (const i of [4, 5, 6]) {
    const different = whole[i]!.reduce((count, code, at) => count + (code === parts[i]![at] ? 0 : 1), 0);
    expect(different).toBeLessThan(0.01 * whole[i]!.length);
  }
});

test('parts cover all rows, none with more work than a dispatch may have', () => {
  const parts = (rows: number, flops: number, step?: number) => {
    const calls: [number, number][] = [];
    const limited = { dispatchFlops: 1000 } as Gpu;
    inParts(limited, rows, flops, (start, count) => void calls.push([start, count]), step);
    return calls;
  };
  expect(parts(40, 30)).toEqual([
    [0, 32],
    [32, 8],
  ]);
  expect(parts(40, 1e6)).toEqual([
    [0, 16],
    [16, 16],
    [32, 8],
  ]);
  expect(parts(3, 600, 1)).toEqual([
    [0, 1],
    [1, 1],
    [2, 1],
  ]);
  expect(parts(5, 1)).toEqual([[0, 5]]);
  expect(parts(0, 1)).toEqual([]);
});
