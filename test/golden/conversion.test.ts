import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { openSafetensors } from '../../src/io/safetensors/reader.ts';
import type { RowError } from '../../src/kernels/row_sums/token_errors.ts';
import { measure } from '../../src/measure/measure.ts';
import { measurementFromJson, measurementToJson } from '../../src/measurement/measurement-json.ts';
import { embedTokens } from '../../src/model/gpu/embedding.ts';
import { HiddenStates } from '../../src/model/gpu/states/states.ts';
import { loadLinear, loadNorm } from '../../src/model/gpu/weights.ts';
import { loadModule } from '../../src/pass/loaded-module.ts';
import { packedTensorsOf, takePackedWeight } from '../../src/pass/packed-module.ts';
import { type HeadSlices, perplexity } from '../../src/pass/perplexity.ts';
import { noteErrors, wholeRowError } from '../../src/pass/relative-error.ts';
import { advance, type ModuleRun } from '../../src/pass/run-rows.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { compile } from '../../src/write/compile.ts';
import { ARCHITECTURE_NAMES, GOLDEN_DIR, readJson } from '../support/architectures.ts';
import {
  lonePool,
  readMaybeCompressed,
  readRows,
  stageContext,
  strategyFromJson,
} from '../support/conversion.ts';
import { testGpu } from '../support/gpu.ts';

const MODEL = 'public/models/tinystories-7m';
const SMALL = `${GOLDEN_DIR}/conversion/small`;
const ROWS = 'test/fixtures/calibration';
/** The whole reference data, as opposed to the fixtures: then all layers are done, which takes minutes. */
const COMPLETE = existsSync(`${SMALL}/quant.log`);

/** The first `layers` layers of the golden run's model. */
async function smallContext(gpu: Gpu, layers: number) {
  const context = await stageContext(gpu, MODEL);
  const { plan } = context;
  const modules = plan.modules.filter(({ layer }) => layer < layers);
  const choices = plan.choices.filter(({ layer }) => layer < layers);
  return { ...context, plan: { ...plan, modules, choices } };
}

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());

test('every candidate has the accuracy and the bits that ExLlamaV2 measured', async () => {
  const context = await smallContext(gpu, COMPLETE ? 6 : 1);
  const { plan } = await smallContext(gpu, 6);
  const golden = measurementFromJson(readMaybeCompressed(`${SMALL}/measurement.json`), plan);
  const rows = await readRows(`${ROWS}/cal_measure.safetensors`, 4096);
  const own = await measure(context, lonePool(), rows);
  let worst = 0;
  expect(own.modules.size).toBe(context.plan.modules.length);
  for (const [key, measured] of own.modules) {
    const candidates = golden.modules.get(key)!;
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

test('quantizing by ExLlamaV2’s strategy gives its errors', async () => {
  const layers = COMPLETE ? 6 : 1;
  const context = await smallContext(gpu, layers);
  const { strategy, rows } = await smallJob(context);
  const { rfnErrors } = await quantize(context, lonePool(), rows, {
    ...{ strategy, headBits: 6, perplexityRows: rows.rows, mostRows: 8 },
  });
  const golden = COMPLETE ? loggedErrors().rfn : [0.042183, 0.05609];
  const ratios = [...rfnErrors.values()].map((error, i) => error / golden[i]!);
  console.log(`rfn errors relative to ExLlamaV2's: ${ratios.map((ratio) => ratio.toFixed(3)).join(' ')}`);
  expect(ratios.length).toBe(layers * 2);
  for (const ratio of ratios) expect(Math.abs(ratio - 1)).toBeLessThan(0.03);
});

async function smallJob(context: Awaited<ReturnType<typeof smallContext>>) {
  const job = readMaybeCompressed(`${SMALL}/job_new.json`) as { strategy: unknown };
  const strategy = strategyFromJson(context.plan, job.strategy);
  return { strategy, rows: await readRows(`${ROWS}/cal_quant.safetensors`, 4096) };
}

// One run's perplexity on these 508 tokens is no stable figure: the last bit of a sum of the Hessian moves it by up
// to 1.7 % either way, in ExLlamaV2 as here. So the rows that don't count for it are put in several
// orders, none of which only exchanges the parts that sums are added by (row-parts.ts).
test.runIf(COMPLETE)('the head’s perplexity is ExLlamaV2’s, over several orders of rows', async () => {
  const logs: number[] = [];
  for (const order of [
    [4, 5, 6, 7],
    [5, 4, 7, 6],
    [5, 6, 7, 4],
    [4, 6, 5, 7],
    [6, 4, 7, 5],
    [4, 7, 6, 5],
  ]) {
    const context = await smallContext(gpu, 6);
    const { strategy, rows } = await smallJob(context);
    const ids = Int32Array.from(
      [0, 1, 2, 3, ...order].flatMap((row) => [...rows.ids.subarray(row * 128, (row + 1) * 128)]),
    );
    const { perplexity } = await quantize(
      context,
      lonePool(),
      { ...rows, ids },
      { strategy, headBits: 6, perplexityRows: 4, mostRows: 8 },
    );
    expect(perplexity.original).toBeLessThan(perplexity.quantized);
    logs.push(Math.log(perplexity.quantized));
  }
  console.log(
    `perplexities: ${logs.map((log) => Math.exp(log).toFixed(3)).join(' ')}; ExLlamaV2 ${loggedErrors().perplexity}`,
  );
  const average = Math.exp(logs.reduce((a, b) => a + b, 0) / logs.length);
  expect(Math.abs(average / loggedErrors().perplexity - 1)).toBeLessThan(0.01);
});

// ExLlamaV2's output of that run is too large for the fixtures: done on the complete reference data only.
test.runIf(COMPLETE)('the golden output’s own weights give the errors of its log', async () => {
  const context = await smallContext(gpu, 6);
  const file = await openSafetensors((await nodeDirectory(`${SMALL}/exl2-4.0`).open('output.safetensors'))!);
  const rows = await readRows(`${ROWS}/cal_quant.safetensors`, 4096);
  const { rfn } = loggedErrors();
  const states = new HiddenStates(gpu, rows.rows, rows.length, context.plan.config.hiddenSize);
  const expected = new HiddenStates(gpu, rows.rows, rows.length, context.plan.config.hiddenSize);
  await embedTokens(gpu, context.source, context.plan, [{ ids: rows.ids, states }]);
  for (const [i, module] of context.plan.modules.entries()) {
    const error = await withScope(gpu, async (scope) => {
      const loaded = await loadModule(context, scope, module, rows.length);
      await advance(context, loaded, states, expected, rows.rows);
      for (const linear of module.linears) {
        await takePackedWeight(context, scope, loaded, linear, await packedTensorsOf(file, linear));
      }
      const errors: RowError[] = [];
      const ran = (run: ModuleRun) => noteErrors(gpu, run, expected, errors);
      await advance(context, loaded, states, states, rows.rows, { ran });
      return wholeRowError(errors);
    });
    console.log(`${module.key}: rfn error ${error.toFixed(6)}, in the log ${rfn[i]}`);
    expect(Math.abs(error / rfn[i]! - 1)).toBeLessThan(0.002);
  }
  const { source, plan } = context;
  const { value } = await withScope(gpu, async (scope) => {
    const norm = await loadNorm(scope, source, plan.finalNorm);
    const linears = new Map([[plan.head.name, await loadLinear(gpu, scope, source, plan.head)]]);
    await takePackedWeight(context, scope, { linears }, plan.head, await packedTensorsOf(file, plan.head));
    const head: HeadSlices = (use) => use([...linears.values()]);
    return perplexity(context, { mixed: false, norm, head }, states, rows.ids, 4);
  });
  console.log(`perplexity ${value.toFixed(4)}, in the log ${loggedErrors().perplexity}`);
  expect(Math.abs(value / loggedErrors().perplexity - 1)).toBeLessThan(0.002);
  await states.free();
  expected.free();
});

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
    await quantize(context, lonePool(), rows, { strategy, headBits: 6, perplexityRows: 2, mostRows: 8 });
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
