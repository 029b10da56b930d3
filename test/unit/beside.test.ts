import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { optimize } from '../../src/allocate/optimize.ts';
import { chooseVariants } from '../../src/autotune/choose-variants.ts';
import { convert } from '../../src/convert/convert.ts';
import { fewExpertTokensWarning } from '../../src/estimate/token-need.ts';
import { finalStates } from '../../src/evaluate/final-states.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { LanguageModel } from '../../src/inference/language-model.ts';
import type { ReadableDirectory, WritableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { workDirectory } from '../../src/io/work/work-directory.ts';
import { QUANTIZERS } from '../../src/job/settings.ts';
import { together } from '../../src/measure/join-parts.ts';
import { measure } from '../../src/measure/measure.ts';
import { measurementFromJson, measurementToJson } from '../../src/measurement/measurement-json.ts';
import { openModel } from '../../src/model/check/open-model.ts';
import { StateStore } from '../../src/model/gpu/states/state-store.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { referenceForward } from '../../src/reference/model.ts';
import { openRunnableModel } from '../../src/runnable/runnable-model.ts';
import { expertsModel, parallelModel, stackedModel } from '../support/beside-models.ts';
import { expectNmse } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { put, zeros } from '../support/odd-models.ts';
import { randomIntegers } from '../support/random.ts';
import { filesOf, tinyJob, tinyRows } from '../support/tiny-job.ts';
import { poolWith, workerLink } from '../support/worker-links.ts';

let leader: Gpu;
let workers: Gpu[];
beforeAll(async () => {
  leader = await testGpu();
  await chooseVariants(leader, 'f32'); // as the others do
  workers = [await testGpu(), await testGpu(), await testGpu()];
});
afterAll(() => {
  for (const gpu of [leader, ...workers]) gpu.destroy();
});

const MODELS = [
  ['experts', expertsModel],
  ['parallel blocks', parallelModel],
  ['experts in stacked tensors', stackedModel],
] as const;

/** Measured and quantized by the leader and so many other workers. */
async function run(model: ReadableDirectory, count: number, quantizer = QUANTIZERS.refined) {
  const work: WritableDirectory = memoryDirectory('work');
  const { source, plan } = await openModel(model, {});
  const warnings: string[] = [];
  const context = {
    ...{ gpu: leader, source, plan, quantizer, work: workDirectory(work), speeds: undefined },
    stateStore: new StateStore(),
    emit: (event: { type: string; message?: string }) => {
      if (event.type === 'warning') warnings.push(event.message!);
    },
    control: { signal: new AbortController().signal },
  };
  const rows = await tinyRows();
  const settings = { quantizer, precision: 'f32' } as const;
  const links = workers.slice(0, count).map((gpu, i) => workerLink(`worker ${i + 2}`, gpu, { model, work }));
  const pool = await poolWith(links, { settings, measurement: rows, quantization: rows }, context.emit);
  const measurement = await measure(context, pool, rows);
  const strategy = optimize(plan, measurement, quantizer.method, 4);
  const choice = { strategy, headBits: 6, perplexityRows: 3, mostRows: rows.rows } as const;
  const { perplexity: _, ...errors } = await quantize(context, pool, rows, choice);
  pool.end();
  return { plan, rows, measurement, errors, warnings, files: await filesOf(work) };
}

describe.each(MODELS)('%s', (_, modelOf) => {
  test('are measured and quantized to the same bytes with 1, 2 and 4 workers', async () => {
    const model = await modelOf();
    const alone = await run(model, 0);
    for (const count of [1, 3]) {
      const shared = await run(model, count);
      expect(shared.files).toEqual(alone.files);
      expect(shared.errors).toEqual(alone.errors);
    }
  });

  test('go into a measurement.json and come out again', async () => {
    const { plan, measurement } = await run(await modelOf(), 0, QUANTIZERS.exllamav2);
    const json = JSON.parse(JSON.stringify(measurementToJson(measurement)));
    expect(Object.keys(json.measurement).some((key) => /parallel_decoder$|block_sparse_moe$/.test(key))).toBe(
      true,
    );
    expect(measurementFromJson(json, plan)).toEqual(measurement);
  });

  test('run as in f64, all tokens at once and one by one, and so does what is made of them', async () => {
    const model = await modelOf();
    const { source, plan } = await openModel(model, {});
    const weights = new Map<string, Float32Array>();
    for (const name of source.names()) weights.set(name, (await source.readFloat(name)).data);
    const ids = Int32Array.from(randomIntegers(40, 320, 1));
    const expected = referenceForward(plan, (name) => weights.get(name)!, ids);
    const output = memoryDirectory('output');
    await convert(await tinyJob(leader, model, { work: memoryDirectory('work'), output }));
    for (const directory of [model, output]) {
      const runnable = await openRunnableModel(directory);
      const states = await finalStates(leader, runnable, { rows: 1, length: ids.length, ids });
      const atOnce = await states.readRow(0);
      await states.free();
      if (directory === model) expectNmse(atOnce, expected.modules.at(-1)!.output, 1e-11);
      const loaded = await LanguageModel.load(leader, runnable);
      const [whole, single] = await withScope(leader, async (scope) => {
        const all = await loaded.next([...ids], loaded.newCache(scope, ids.length));
        const cache = loaded.newCache(scope, ids.length);
        let last = new Float32Array();
        for (const id of ids) last = (await loaded.next([id], cache)) as Float32Array<ArrayBuffer>;
        return [all, last];
      });
      loaded.free();
      expectNmse(single!, whole!, 1e-10);
      if (directory === model) expectNmse(whole!, expected.logits.subarray(-whole!.length), 1e-10);
    }
  });
});

describe('experts', () => {
  test('come in modules that share norm, router and parameters', async () => {
    const { plan } = await openModel(await expertsModel(), {});
    const layer = 'model.layers.0.block_sparse_moe';
    expect(plan.modules.map(({ key, keepsInput }) => [key, keepsInput])).toEqual([
      ['model.layers.0.self_attn', false],
      [`${layer}.experts.0-1`, true],
      [`${layer}.experts.2`, true],
      [`${layer}.experts.3-4`, false],
    ]);
    expect(plan.choices.map(({ key }) => key)).toEqual(['model.layers.0.self_attn', layer]);
    expect(new Set(plan.choices[1]!.linears.map(({ paramsName }) => paramsName))).toEqual(
      new Set(['w1', 'w3', 'w2']),
    );
    const stored = plan.stored.map(({ name }) => name);
    expect(stored.filter((name) => name === `${layer}.gate.weight`)).toHaveLength(1);
    expect(new Set(stored).size).toBe(stored.length);
  });

  test('get as many tokens together as are routed, and those with few are named', async () => {
    const { plan, rows, errors, warnings } = await run(await expertsModel(), 1);
    const [tokens] = [...errors.expertTokens.values()];
    expect(tokens).toHaveLength(5);
    expect(tokens!.reduce((a, b) => a + b)).toBe(2 * rows.rows * rows.length);
    expect([...errors.expertErrors.keys()].map((key) => key.slice(-3))).toEqual(['.w1', '.w3', '.w2']);
    for (const [key, values] of errors.expertErrors) {
      expect(values).toHaveLength(5);
      expect(Math.hypot(...values) / Math.sqrt(5)).toBeCloseTo(errors.linearErrors.get(key)!, 12);
    }
    expect(warnings.join()).toMatch(
      /In one layer some experts saw fewer calibration tokens than 2 .*\(192\), .* layer 0: 5 of 5/,
    );
    const enough = new Map([[plan.choices[1]!.key, [192, 192, 1000, 400, 2000]]]);
    expect(fewExpertTokensWarning(plan, enough)).toBeUndefined();
  });

  test('that no token reaches are quantized all the same', async () => {
    const model = await expertsModel((odd) => {
      // Equal logits: the first two experts get every token.
      put(odd, zeros('model.layers.0.block_sparse_moe.gate.weight', 'F16', [5, 64], 640));
    });
    const { errors, files } = await run(model, 0);
    const [tokens] = [...errors.expertTokens.values()];
    expect(tokens!.slice(2)).toEqual([0, 0, 0]);
    expect([...errors.linearErrors.values()].every(Number.isFinite)).toBe(true);
    expect(Object.keys(files).some((path) => path.includes('experts.3-4'))).toBe(true);
  });

  test('err together as the squares of their errors add', () => {
    const one = { accuracy: 0.97, tokenError: 0.04 };
    expect(together([one])).toBe(one);
    const both = together([one, { accuracy: 0.96, tokenError: 0.03 }]);
    expect(both.accuracy).toBeCloseTo(0.95, 12);
    expect(both.tokenError).toBeCloseTo(0.05, 12);
  });
});
