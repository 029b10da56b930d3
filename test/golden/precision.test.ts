import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { Scope } from '../../src/gpu/scope.ts';
import { gemmMixed } from '../../src/kernels/gemm/gemm.ts';
import { gemmSubgroupMatrix } from '../../src/kernels/gemm/gemm_subgroup_matrix.ts';
import { captureHessians, passThrough } from '../../src/measure/original-module.ts';
import { HiddenStates } from '../../src/model/gpu/states/states.ts';
import { loadModule } from '../../src/pass/loaded-module.ts';
import { GOLDEN_DIR } from '../support/architectures.ts';
import { stageContext } from '../support/conversion.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());

/** Inputs of the first MLP's down projection grow with the square of `scale`. */
async function capture(scale: number, rounds: boolean) {
  if (rounds) gpu.prefer(gemmMixed, gemmSubgroupMatrix, () => false);
  const context = await stageContext(gpu, `${GOLDEN_DIR}/architectures/mistral`);
  const module = context.plan.modules[1]!;
  const [rows, length, hidden] = [2, 16, context.plan.config.hiddenSize];
  const scope = new Scope(gpu);
  const [input, output] = [0, 1].map(() => new HiddenStates(gpu, rows, length, hidden)) as [
    HiddenStates,
    HiddenStates,
  ];
  try {
    for (let row = 0; row < rows; row++) input.writeRow(row, randomFloats(length * hidden, row + 1));
    const loaded = await loadModule(context, scope, module, length);
    const weight = loaded.norms.get(module.norm.weight)!.w;
    const norm = new Float32Array(await gpu.read(weight));
    gpu.write(
      weight,
      norm.map((x) => x * scale),
    );
    let batches = 0;
    const control = { ...context.control, resumed: async () => void batches++ };
    const captured = await captureHessians({ ...context, control }, scope, loaded, input, output, 1);
    const passes = batches / rows;
    const bytes = async () => [await output.readRow(0), await output.readRow(1)].map((row) => row.slice());
    const seen = await bytes();
    // A module that an earlier run has done must make the same of the states.
    for (let row = 0; row < rows; row++) output.writeRow(row, new Float32Array(length * hidden));
    await passThrough(context, loaded, input, output, 1);
    expect(await bytes()).toEqual(seen);
    return { mixed: captured.loaded.forward.mixed, passes };
  } finally {
    for (const states of [input, output]) await states.free();
    scope.freeAll();
  }
}

describe('half precision', () => {
  test('is not asked for where the GPU has no matrix units', async () => {
    expect(await capture(1, false)).toEqual({ mixed: false, passes: 1 });
  });

  test('is taken where all linear inputs fit', async () => {
    expect(await capture(1, true)).toEqual({ mixed: true, passes: 1 });
  });

  test('a module whose inputs are too large runs once more, exactly', async () => {
    expect(await capture(3e3, true)).toEqual({ mixed: false, passes: 2 });
  });
});
