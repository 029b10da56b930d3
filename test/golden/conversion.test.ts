import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { advance, loadModule } from '../../src/convert/capture.ts';
import { compile } from '../../src/convert/compile.ts';
import { measure } from '../../src/convert/measure.ts';
import { measurementFromJson, measurementToJson } from '../../src/convert/measurement-json.ts';
import { quantize, takePackedWeights } from '../../src/convert/quantize.ts';
import { advanceAndCompare } from '../../src/convert/quantize-module.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { nodeDirectory } from '../../src/io/platform/node-directory.ts';
import { openSafetensors } from '../../src/io/safetensors/reader.ts';
import { embedTokens } from '../../src/model/embedding.ts';
import { HiddenStates } from '../../src/model/states.ts';
import { ARCHITECTURE_NAMES, GOLDEN_DIR, readJson } from '../support/architectures.ts';
import { readMaybeCompressed, readRows, stageContext, strategyFromJson } from '../support/conversion.ts';
import { testGpu } from '../support/gpu.ts';

const MODEL = 'public/models/tinystories-7m';
const SMALL = `${GOLDEN_DIR}/conversion/small`;
const ROWS = 'test/fixtures/calibration';
/** The whole reference data, as opposed to the fixtures: then all layers are done, which takes minutes. */
const COMPLETE = existsSync(`${SMALL}/quant.log`);
const MINUTES = 60_000;

/** The first `layers` layers of the golden run's model. */
async function smallContext(gpu: Gpu, layers: number) {
  const context = await stageContext(gpu, MODEL);
  const { plan } = context;
  const modules = plan.modules.filter(({ layer }) => layer < layers);
  return { ...context, plan: { ...plan, modules } };
}

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());

test('every candidate has the accuracy and the bits that ExLlamaV2 measured', {
  timeout: 15 * MINUTES,
}, async () => {
  const context = await smallContext(gpu, COMPLETE ? 6 : 1);
  const golden = measurementFromJson(readMaybeCompressed(`${SMALL}/measurement.json`), context.plan);
  const rows = await readRows(`${ROWS}/cal_measure.safetensors`, 4096);
  const own = await measure(context, rows);
  let worst = 0;
  for (const [key, candidates] of golden.modules) {
    const measured = own.modules.get(key)!;
    expect(measured.map(({ totalBits }) => totalBits)).toEqual(candidates.map(({ totalBits }) => totalBits));
    expect(measured.map(({ params }) => params)).toEqual(candidates.map(({ params }) => params));
    for (const [i, { accuracy }] of candidates.entries()) {
      const expected = 1 - accuracy;
      const difference = Math.abs(1 - measured[i]!.accuracy - expected);
      worst = Math.max(worst, difference / expected);
      expect(difference, `${key}, candidate ${i}`).toBeLessThan(0.05 * expected + 5e-4);
    }
  }
  console.log(`1 − accuracy differs by ${(worst * 100).toFixed(2)} % at most`);
  expect(measurementFromJson(measurementToJson(own), context.plan)).toEqual(own);
});

test('quantizing by ExLlamaV2’s strategy gives its errors', { timeout: 15 * MINUTES }, async () => {
  const layers = COMPLETE ? 6 : 1;
  const context = await smallContext(gpu, layers);
  const job = readMaybeCompressed(`${SMALL}/job_new.json`) as { strategy: unknown };
  const strategy = strategyFromJson(context.plan, job.strategy);
  const rows = await readRows(`${ROWS}/cal_quant.safetensors`, 4096);
  const { rfnErrors, perplexity } = await quantize(context, rows, {
    strategy,
    headBits: 6,
    perplexityRows: 4,
  });
  // From the golden run's log; the head's perplexity only makes sense behind all layers.
  const golden = COMPLETE ? loggedErrors() : { rfn: [0.042183, 0.05609], perplexity: undefined };
  [...rfnErrors.values()].forEach((error, i) => {
    expect(
      Math.abs(error / golden.rfn[i]! - 1),
      `module ${i}: ${error} against ${golden.rfn[i]}`,
    ).toBeLessThan(0.03);
  });
  expect(rfnErrors.size).toBe(layers * 2);
  if (golden.perplexity !== undefined) {
    expect(Math.abs(perplexity.quantized / golden.perplexity - 1)).toBeLessThan(0.01);
    expect(perplexity.original).toBeLessThan(perplexity.quantized);
  }
});

// ExLlamaV2's output of that run is too large for the fixtures: done on the complete reference data only.
test.runIf(COMPLETE)(
  'the golden output’s own weights give the errors of its log',
  { timeout: 15 * MINUTES },
  async () => {
    const context = await smallContext(gpu, 6);
    const file = await openSafetensors(
      (await nodeDirectory(`${SMALL}/exl2-4.0`).open('output.safetensors'))!,
    );
    const rows = await readRows(`${ROWS}/cal_quant.safetensors`, 4096);
    const { rfn } = loggedErrors();
    let states = new HiddenStates(gpu, rows.rows, rows.length, context.plan.config.hiddenSize);
    let next = new HiddenStates(gpu, rows.rows, rows.length, context.plan.config.hiddenSize);
    await embedTokens(context.source, context.plan, rows.ids, states);
    for (const [i, module] of context.plan.modules.entries()) {
      const error = await withScope(gpu, async (scope) => {
        const loaded = await loadModule(context, scope, module, rows.length);
        await advance(context, loaded, states, next, rows.rows);
        await takePackedWeights(context, scope, loaded, file);
        return advanceAndCompare(context, loaded, states, next, rows.rows);
      });
      console.log(`${module.key}: rfn error ${error.toFixed(6)}, in the log ${rfn[i]}`);
      expect(Math.abs(error / rfn[i]! - 1)).toBeLessThan(0.002);
      [states, next] = [next, states];
    }
    states.free();
    next.free();
  },
);

function loggedErrors(): { rfn: number[]; perplexity: number } {
  const log = readFileSync(`${SMALL}/quant.log`, 'utf8');
  const rfn = [...log.matchAll(/rfn_error: ([\d.]+)/g)].map(([, value]) => Number(value));
  return { rfn, perplexity: Number(/perplexity \(quant\): ([\d.]+)/.exec(log)![1]) };
}

describe.each(ARCHITECTURE_NAMES)('%s', (name) => {
  test('the output has the names, dtypes and shapes of ExLlamaV2’s', async () => {
    const context = await stageContext(gpu, `${GOLDEN_DIR}/architectures/${name}`);
    const golden = readJson(`${GOLDEN_DIR}/conversion/architectures/${name}/conversion.json`) as {
      strategy: unknown;
      tensors: Record<string, [string, number[]]>;
    };
    const strategy = strategyFromJson(context.plan, golden.strategy);
    const all = await readRows(`${ROWS}/cal_quant.safetensors`, 4096);
    // Token ids of another vocabulary, folded into this one: only names and shapes matter here.
    const rows = { ...all, ids: all.ids.map((id) => id % context.plan.config.vocabSize) };
    await quantize(context, rows, { strategy, headBits: 6, perplexityRows: 2 });
    const output = memoryDirectory('output');
    const calibration = { rows: 8, length: 128, dataset: 'test' };
    const model = nodeDirectory(`${GOLDEN_DIR}/architectures/${name}`);
    await compile(context, model, output, { bits: 4, headBits: 6, calibration }, 2 ** 33);
    const file = await openSafetensors((await output.open('output.safetensors'))!);
    const dtypes: Record<string, string> = { I32: 'int32', I16: 'int16', F16: 'float16' };
    const tensors = [...file.tensors.values()].map((info) => [info.name, [dtypes[info.dtype], info.shape]]);
    expect(Object.fromEntries(tensors)).toEqual(golden.tensors);
  });
});
