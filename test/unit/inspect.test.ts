/** What a job keeps of a linear for the page, against f64 from the job's own rows, and against the output's tensors. */

import { serialize } from 'node:v8';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packedTensors, readPackedLinear } from '../../src/exl2/packed-linear.ts';
import { actOrder } from '../../src/gptq/factor.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { TensorSource } from '../../src/io/model/tensor-source.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { type WorkDirectory, workDirectory } from '../../src/io/work/work-directory.ts';
import { ARTEFACT } from '../../src/job/artefacts.ts';
import { type InspectedJob, inspectLinear } from '../../src/learn/kept/inspect.ts';
import { shownPlaces } from '../../src/learn/kept/inspected.ts';
import { originalOutputs } from '../../src/learn/kept/original-outputs.ts';
import { measure } from '../../src/measure/measure.ts';
import { summaryTensors } from '../../src/measurement/hessian-summary.ts';
import { openModel } from '../../src/model/check/open-model.ts';
import type { LinearSpec, ModelPlan, ModuleSpec } from '../../src/model/spec.ts';
import { quantizeAgain } from '../../src/quantize/quantize-again.ts';
import { blockSums, diagonal } from '../../src/reference/linalg/hessian.ts';
import { referenceForward } from '../../src/reference/model.ts';
import type { HostTensor } from '../../src/tensor/dtype.ts';
import { architectureModel } from '../support/architectures.ts';
import { expertsModel } from '../support/beside-models.ts';
import { expectNmse } from '../support/compare.ts';
import { lonePool } from '../support/conversion.ts';
import { dequantizeLinear, packLinear } from '../support/exl2-linear.ts';
import { testGpu } from '../support/gpu.ts';
import { tinyModel, tinyRows, tinyStages } from '../support/tiny-job.ts';

let gpu: Gpu;
let job: InspectedJob & { readonly plan: ModelPlan };
/** The original's weights. */
let source: TensorSource;
beforeAll(async () => {
  gpu = await testGpu();
  const [measured, quantized] = [memoryDirectory('measure'), memoryDirectory('target')];
  const model = tinyModel(1);
  const first = await tinyStages(gpu, model, measured);
  await measure(first.context, lonePool(), first.rows);
  const { context, rows, choice } = await tinyStages(gpu, model, quantized);
  await quantizeAgain(context, lonePool(), rows, choice);
  source = context.source;
  const { plan } = context;
  job = { plan, measured: workDirectory(measured), quantized: workDirectory(quantized) };
});
afterAll(() => gpu.destroy());

const nothing = (): WorkDirectory => workDirectory(memoryDirectory('nothing'));

/** H = Σ xᵀx of what the original's linear reads of the job's rows. */
async function hessianOf(module: ModuleSpec, { input, k }: LinearSpec): Promise<Float64Array> {
  const { weight } = await architectureModel('llama_tied_bias');
  const { ids, rows, length } = await tinyRows();
  const h = new Float64Array(k * k);
  for (let row = 0; row < rows; row++) {
    const own = ids.subarray(row * length, (row + 1) * length);
    const x = referenceForward(job.plan, weight, own).modules[module.index]!.inputs.get(input)!;
    for (let at = 0; at < x.length; at += k)
      for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) h[i * k + j]! += x[at + i]! * x[at + j]!;
  }
  return h;
}

const linearsOf = (plan: ModelPlan) =>
  plan.modules.flatMap((module) => module.linears.map((linear) => ({ module, linear })));

test('what every linear hears is H of the job’s own rows, as f64 adds it up', async () => {
  for (const { module, linear } of linearsOf(job.plan)) {
    const { name, k } = linear;
    const place = { module: module.key, name };
    const { heard } = await inspectLinear({ ...job, quantized: nothing() }, place);
    const h = await hessianOf(module, linear);
    expect([heard!.stage, heard!.tokens, heard!.diagonal.length]).toEqual(['measure', 6 * 24, k]);
    expectNmse(heard!.diagonal, diagonal(h, k), 1e-10);
    // k is 128 or 192, so blocks are of 2 or 3 inputs.
    const means = blockSums(h, k, 64).map((sum) => sum / (k / 64) ** 2);
    expectNmse(heard!.blocks, means, 1e-10);
  }
});

test('of a layer’s experts the first stands for all, with the tokens that came to it', async () => {
  const work = memoryDirectory('experts');
  const { source, plan } = await openModel(await expertsModel(), {});
  const { context, rows } = await tinyStages(gpu, tinyModel(1), work);
  await measure({ ...context, source, plan }, lonePool(), rows);
  const experts = plan.choices.find(({ modules }) => modules[0]!.mixer.kind === 'experts')!;
  const measured = workDirectory(work);
  const kept = (await measured.openTensors(ARTEFACT.hessians(experts.modules[0]!.key)))!;
  const [gate, , down] = experts.linears;
  expect([...kept.tensors.keys()].sort()).toEqual(
    [gate!, down!].flatMap(({ input }) => [`${input}.blocks`, `${input}.diagonal`]).sort(),
  );
  const heardBy = async ({ paramsName: name, key, k }: LinearSpec) => {
    const found = await inspectLinear(
      { plan, measured, quantized: nothing() },
      { module: experts.key, name },
    );
    expect([found.key, found.heard!.diagonal.length]).toEqual([key, k]);
    return found.heard!.tokens;
  };
  // Every token's gates are summed, whichever experts it goes to.
  expect(await heardBy(gate!)).toBe(rows.rows * rows.length);
  const own = await heardBy(down!);
  expect(own > 0 && own < rows.rows * rows.length).toBe(true);
});

test('the quantization’s H takes the place of the measurement’s; the first module’s is the same', async () => {
  const place = { module: job.plan.modules[0]!.key, name: 'q_proj' };
  const { heard } = await inspectLinear(job, place);
  const before = await inspectLinear({ ...job, quantized: nothing() }, place);
  expect([heard!.stage, heard!.tokens]).toEqual(['quantize', 6 * 24]);
  expectNmse(heard!.diagonal, before.heard!.diagonal, 1e-12);
});

test('rows stand in act-order, and codes, scales and weights are those of the file', async () => {
  for (const { module, linear } of linearsOf(job.plan)) {
    const { key, name, k, n } = linear;
    const { heard, rounded } = await inspectLinear(job, { module: module.key, name }, { source });
    const { columns, places, inputs, codes, scales, values, original } = rounded!;
    const order = actOrder([...heard!.diagonal]);
    expect([...inputs]).toEqual([...places].map((row) => order[row]));
    expect(columns).toBe(Math.min(32, n));
    const file = (await job.quantized.openTensors(ARTEFACT.tensors(module.key)))!;
    const tensors = new Map<string, HostTensor>();
    for (const tensor of file.tensors.keys()) tensors.set(tensor, await file.read(tensor));
    const packed = readPackedLinear(key, (tensor) => tensors.get(tensor));
    const w = dequantizeLinear(key, packed);
    const { weight } = await architectureModel('llama_tied_bias');
    const own = weight(linear.weight);
    for (let at = 0; at < values.length; at++) {
      const [input, column] = [inputs[Math.floor(at / columns)]!, at % columns];
      expect(values[at]).toBe(w[input * packed.n + column]);
      expect(original![at]).toBe(own[column * k + input]);
    }
    const { bits } = rounded!.groups.at(-1)!;
    const last = values.length - 1;
    expect(values[last]).toBeCloseTo((codes[last]! - 2 ** (bits - 1)) * scales[last]!, 3);
  }
});

test('of a finished output the tensors are those of its files', async () => {
  const place = { module: job.plan.modules[0]!.key, name: 'q_proj' };
  const output = (await job.quantized.openTensors(ARTEFACT.tensors(place.module)))!;
  const { rounded } = await inspectLinear({ ...job, quantized: nothing() }, place, { output });
  expect(rounded).toEqual((await inspectLinear(job, place, {})).rounded);
});

test('what is not there is left out; what the model lacks is named', async () => {
  const place = { module: job.plan.modules[0]!.key, name: 'q_proj' };
  expect((await inspectLinear(job, place, {})).rounded).not.toHaveProperty('original');
  expect(await inspectLinear(job, place)).not.toHaveProperty('rounded');
  const early = await inspectLinear({ ...job, measured: nothing(), quantized: nothing() }, place, {});
  expect(early).toEqual({ key: `${place.module}.q_proj`, k: 128, n: 128 });
  await expect(inspectLinear(job, { ...place, name: 'w1' })).rejects.toThrow('no linear model.layers.0');
});

/** A module with one linear of k inputs in groups of 32, as if it had been quantized. */
async function wideJob(k: number): Promise<InspectedJob> {
  const groups = Array.from({ length: k / 32 }, (_, i) => ({
    bits: 2 as const,
    start: i * 32,
    end: i * 32 + 32,
  }));
  const packed = packLinear({
    ...{ k, n: 32, groups, perm: Uint32Array.from({ length: k }, (_, i) => k - 1 - i) },
    codes: new Uint8Array(k * 32).map((_, i) => i % 4),
    scaleCodes: new Uint32Array(groups.length * 32).fill(7),
    scaleMax: new Uint16Array(groups.length).fill(0x3c00),
  });
  const work = workDirectory(memoryDirectory('work'));
  const summary = { diagonal: new Float32Array(k).fill(1), blocks: new Float32Array(64 * 64), tokens: 9 };
  const { tensors, metadata } = summaryTensors(new Map([['preDown', summary]]));
  await work.writeTensors(ARTEFACT.hessians('mlp'), tensors, metadata);
  await work.writeTensors(ARTEFACT.tensors('mlp'), packedTensors('mlp.down_proj', packed));
  const linear = { ...PLAIN, ...{ name: 'down_proj', paramsName: 'down_proj', key: 'mlp.down_proj', k } };
  const module = { key: 'mlp', choice: 'mlp', linears: [linear] } as Partial<ModuleSpec> as ModuleSpec;
  return { plan: { modules: [module] }, measured: work, quantized: work };
}

const PLAIN: LinearSpec = {
  ...{ role: 'down', name: 'w', paramsName: 'w', key: 'w', input: 'preDown', k: 4, n: 32 },
  ...{ weight: 'w', bias: undefined, part: undefined, transposed: false, inputs: undefined },
  normalized: false,
};

/** An f32 tensor whose values count from 0. */
function rowsOf(shape: readonly [number, number]): TensorSource {
  const all = Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => i);
  return {
    async readRows(name: string, start: number, end: number) {
      const data = new Uint8Array(all.slice(start * shape[1], end * shape[1]).buffer);
      return { name, dtype: 'F32', shape: [end - start, shape[1]], data };
    },
  } as Partial<TensorSource> as TensorSource;
}

test('a wide linear takes at most 300 kB: 256 of its rows are shown, evenly apart', async () => {
  const k = 28672;
  const place = { module: 'mlp', name: 'down_proj' };
  const found = await inspectLinear(await wideJob(k), place, { source: rowsOf([32, k]) });
  expect(serialize(found).length).toBeLessThan(300_000);
  const { places, inputs, codes, original, groups } = found.rounded!;
  expect([found.heard!.diagonal.length, places.length, groups.length]).toEqual([k, 256, k / 32]);
  expect([places[1], inputs[1], codes[33]]).toEqual([112, k - 1 - 112, (112 * 32 + 1) % 4]);
  expect(original![33]).toBe(k + inputs[1]!);
});

test.each([32, 256, 257, 4096])(
  'of %i rows those that are shown begin with the first, and none is twice',
  (k) => {
    const places = shownPlaces(k);
    expect([places[0], new Set(places).size]).toEqual([0, Math.min(256, k)]);
    expect(places.at(-1)).toBeLessThan(k);
  },
);

describe('the original’s first outputs', () => {
  const part = { first: 3, run: 2, stride: 5, total: 40 };
  test('are found among others’ rows', async () => {
    const w = await originalOutputs(rowsOf([40, 4]), { ...PLAIN, part }, 3);
    // Outputs 0, 1, 2 are rows 3, 4, 8.
    expect([...w]).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 32, 33, 34, 35]);
  });
  test('are columns where the file has them transposed, from the rows that are the linear’s', async () => {
    const linear = { ...PLAIN, transposed: true, part, inputs: { first: 2, total: 9 } };
    const w = await originalOutputs(rowsOf([9, 40]), linear, 3);
    expect([...w.slice(0, 4)]).toEqual([83, 123, 163, 203]);
    expect([...w.slice(8)]).toEqual([88, 128, 168, 208]);
  });
  test('are divided by their length where the model’s are', async () => {
    const w = await originalOutputs(rowsOf([40, 4]), { ...PLAIN, normalized: true }, 2);
    expect(Math.hypot(...[...w].slice(0, 4))).toBeCloseTo(1, 12);
    expect(w[5]! / w[4]!).toBeCloseTo(5 / 4, 6);
  });
});
