import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { Scope } from '../../src/gpu/scope.ts';
import { openModelDirectory } from '../../src/io/model/model-directory.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { runModule } from '../../src/model/forward.ts';
import { embedTokens } from '../../src/model/gpu/embedding.ts';
import { finishLogits, forwardContext, GpuOps, normalize, project } from '../../src/model/gpu/ops.ts';
import { routeTokens } from '../../src/model/gpu/routing.ts';
import { HiddenStates } from '../../src/model/gpu/states/states.ts';
import { loadLinear, loadLinears, loadNorm, loadNorms } from '../../src/model/gpu/weights.ts';
import {
  ARCHITECTURE_NAMES,
  architectureForward,
  architectureModel,
  GOLDEN_DIR,
  nmse,
} from '../support/architectures.ts';
import { testGpu } from '../support/gpu.ts';

// Transformers' frequencies are rounded to f16 there, ours are not: that alone is an NMSE of up to 2.5e-7.
const TOLERANCE = 1e-6;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());

describe.each(ARCHITECTURE_NAMES)('%s', (name) => {
  test('hidden states of every layer and logits agree with transformers', async () => {
    const { plan } = await architectureModel(name);
    const golden = await architectureForward(name);
    const source = await openModelDirectory(nodeDirectory(`${GOLDEN_DIR}/architectures/${name}`));
    const scope = new Scope(gpu);
    const length = golden.ids.length;
    const context = forwardContext(gpu, scope, plan, length);
    const states = new HiddenStates(gpu, 1, length, plan.config.hiddenSize);
    await embedTokens(gpu, source, plan, [{ ids: golden.ids, states }]);
    let { x, residual } = await states.loadInput(scope, 0, 1);
    let layers = 0;
    for (const module of plan.modules) {
      if (module.layer === layers) {
        const hidden = new Float32Array(await gpu.read(residual));
        expect(nmse(hidden, golden.hiddenStates[layers]!)).toBeLessThan(TOLERANCE);
        layers++;
      }
      const linears = await loadLinears(gpu, scope, source, module);
      const norms = await loadNorms(scope, source, module);
      const weights = { norms, linears };
      const routing = await routeTokens(context, scope, weights, module, x);
      residual = runModule(new GpuOps(context, scope, weights, routing), module, { x, residual });
      if (!module.keepsInput) x = residual;
    }
    const norm = await loadNorm(scope, source, plan.finalNorm);
    const normed = normalize(gpu, scope, residual, norm);
    expect(nmse(new Float32Array(await gpu.read(normed)), golden.hiddenStates.at(-1)!)).toBeLessThan(
      TOLERANCE,
    );
    const logits = project(context, scope, normed, await loadLinear(gpu, scope, source, plan.head));
    finishLogits(gpu, logits, plan);
    expect(nmse(new Float32Array(await gpu.read(logits)), golden.logits)).toBeLessThan(TOLERANCE);
    scope.freeAll();
    await states.free();
    expect(gpu.memory.used).toBe(0);
  });
});
