import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { optimize, type Strategy } from '../../src/allocate/optimize.ts';
import { chooseVariants } from '../../src/autotune/choose-variants.ts';
import { presetShapes } from '../../src/calibrate/preset.ts';
import { convert } from '../../src/convert/convert.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { QUANTIZERS } from '../../src/job/settings.ts';
import { gemmMixed } from '../../src/kernels/gemm/gemm.ts';
import { gemmSubgroupMatrix } from '../../src/kernels/gemm/gemm_subgroup_matrix.ts';
import { gramMixed } from '../../src/kernels/gram/gram.ts';
import { measure } from '../../src/measure/measure.ts';
import { captureHessians } from '../../src/measure/original-module.ts';
import type { Measurement } from '../../src/measurement/measurement-json.ts';
import { embedTokens } from '../../src/model/gpu/embedding.ts';
import { HiddenStates } from '../../src/model/gpu/states/states.ts';
import { loadModule } from '../../src/pass/loaded-module.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { lonePool, stageContext } from '../support/conversion.ts';
import { testGpu } from '../support/gpu.ts';
import { gemmInHalf, gramInHalf } from '../support/half-kernels.ts';
import { MASSIVE_MLP, massiveModel, massiveRows } from '../support/massive-model.ts';
import { filesOf } from '../support/tiny-job.ts';
import { workerLink } from '../support/worker-links.ts';

type Context = Awaited<ReturnType<typeof stageContext>>;

/** Whether a ratio is between 1/most and `most`. */
const isAround = (most: number) => (ratio: number) => ratio > 1 / most && ratio < most;

const MODEL = await massiveModel({ massive: true });

describe('half precision, as matrix units round to it', () => {
  const ROWS = massiveRows({ rows: 1, length: 32 }, 1);
  let exact: Gpu;
  let half: Gpu;
  beforeAll(async () => {
    exact = await testGpu();
    half = await testGpu();
    for (const gpu of [exact, half]) await chooseVariants(gpu, 'f32');
    half.prefer(gemmMixed, gemmSubgroupMatrix, () => false); // asked for, wherever inputs fit
    half.prefer(gemmMixed, gemmInHalf);
    half.prefer(gramMixed, gramInHalf);
  });
  afterAll(() => {
    for (const gpu of [exact, half]) gpu.destroy();
  });

  test('is taken for all modules but the massive one', async () => {
    const context = await stageContext(half, MODEL);
    const { plan, source } = context;
    const states = new HiddenStates(half, ROWS.rows, ROWS.length, plan.config.hiddenSize);
    await embedTokens(half, source, plan, [{ ids: ROWS.ids, states }]);
    const exactly: string[] = [];
    for (const module of plan.modules) {
      await withScope(half, async (scope) => {
        const loaded = await loadModule(context, scope, module, ROWS.length);
        const captured = await captureHessians(context, scope, loaded, states, states, 1);
        if (!captured.loaded.forward.mixed) exactly.push(module.key);
      });
    }
    await states.free();
    expect(exactly).toEqual([MASSIVE_MLP]);
  });

  /** Errors of the candidates. */
  async function measureOn(context: Context): Promise<{ measurement: Measurement; errors: number[] }> {
    const measurement = await measure(context, lonePool(), ROWS);
    const trials = context.events.filter((event) => event.type === 'trial');
    return { measurement, errors: trials.map(({ error }) => error) };
  }

  const quantizeOn = (context: Context, strategy: Strategy) =>
    quantize(context, lonePool(), ROWS, { strategy, headBits: 6, perplexityRows: 1, mostRows: 1 });

  test('changes little in what is measured and quantized', async () => {
    const [exactly, inHalf] = [await stageContext(exact, MODEL), await stageContext(half, MODEL)];
    const expected = await measureOn(exactly);
    const actual = await measureOn(inHalf);
    expect(actual.errors).toHaveLength(4 * (19 + 17));
    const ratios = actual.errors.map((error, i) => error / expected.errors[i]!);
    for (const ratio of ratios) expect(ratio).toSatisfy(isAround(1.15));

    const strategy = optimize(exactly.plan, expected.measurement, 'exllamav2', 4);
    const [a, b] = [await quantizeOn(exactly, strategy), await quantizeOn(inHalf, strategy)];
    // What overflows is not finite, or of the size of all states. One code decides the error of the massive state.
    for (const [key, error] of b.rfnErrors) {
      if (key === MASSIVE_MLP) expect(error, key).toBeLessThan(1);
      else expect(error / a.rfnErrors.get(key)!, key).toSatisfy(isAround(1.5));
    }
    expect(b.perplexity.original / a.perplexity.original).toBeCloseTo(1, 3);
    expect(b.perplexity.quantized / a.perplexity.quantized).toSatisfy(isAround(1.25));
  });
});

describe('the quick preset', () => {
  const SHAPES = presetShapes('quick', false, 0);
  let workers: Gpu[];
  beforeAll(async () => {
    workers = [await testGpu(), await testGpu(), await testGpu(), await testGpu()];
  });
  afterAll(() => {
    for (const gpu of workers) gpu.destroy();
  });

  /** What a job by so many workers leaves. */
  async function run(count: number) {
    const [work, output] = [memoryDirectory('work'), memoryDirectory('output')];
    const [leader, ...others] = workers.slice(0, count);
    await convert({
      ...{ gpu: leader!, model: MODEL, work, output, adapter: { name: 'test GPU', software: true } },
      settings: {
        ...{ bits: 4, headBits: 6, quantizer: QUANTIZERS.refined, precision: 'mixed', shardBytes: 2 ** 30 },
        dataset: 'test',
      },
      calibration: {
        measurement: async () => massiveRows(SHAPES.measurement, 1),
        quantization: async () => massiveRows(SHAPES.quantization, 2),
        heldOut: async () => massiveRows({ rows: 1, length: 64 }, 3),
      },
      emit: () => {},
      control: { signal: new AbortController().signal },
      remotes: others.map((gpu, i) => workerLink(`worker ${i + 2}`, gpu, { model: MODEL, work })),
    });
    const { 'report.html': _, ...files } = await filesOf(output);
    return { files, measurement: (await filesOf(work))['measurement.json'] };
  }

  test('makes the same bytes with 1, 2 and 4 workers', async () => {
    const alone = await run(1);
    expect(Object.keys(alone.files)).toContain('output.safetensors');
    expect(alone.measurement).toBeDefined();
    for (const count of [2, 4]) expect(await run(count)).toEqual(alone);
  });
});
