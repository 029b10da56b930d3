import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPackedLinear } from '../../src/exl2/packed-linear.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { ARTEFACT } from '../../src/job/artefacts.ts';
import { openModel } from '../../src/model/check/open-model.ts';
import type { LinearSpec, ModuleSpec } from '../../src/model/spec.ts';
import { InputSample, sampleShape } from '../../src/pass/linear-error.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { referenceForward } from '../../src/reference/model.ts';
import type { HostTensor } from '../../src/tensor/dtype.ts';
import { architectureModel, GOLDEN_DIR, readJson } from '../support/architectures.ts';
import { expertsModel } from '../support/beside-models.ts';
import { lonePool, readRows, stageContext, strategyFromJson } from '../support/conversion.ts';
import { dequantizeLinear } from '../support/exl2-linear.ts';
import { testGpu } from '../support/gpu.ts';

const NAME = 'llama_tied_bias';

/** Sums of some hundred f32 products are right to 1e-6, and the least error here is a twentieth of what they sum to. */
const TOLERANCE = 2e-5;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());

test('a sample has 256 tokens at most, the same number of each row', () => {
  expect(sampleShape({ rows: 115, length: 2048 })).toEqual({ rows: 115, length: 2 });
  expect(sampleShape({ rows: 19, length: 2048 })).toEqual({ rows: 19, length: 13 });
  expect(sampleShape({ rows: 1, length: 96 })).toEqual({ rows: 1, length: 96 });
  expect(sampleShape({ rows: 300, length: 128 })).toEqual({ rows: 256, length: 1 });
});

test('it holds the last tokens of every row, whatever batches the rows come in', async () => {
  const rows = 7;
  const length = 50; // 36 of them
  const { plan } = await stageContext(gpu, `${GOLDEN_DIR}/architectures/${NAME}`);
  const module = { ...plan.modules[1]!, linears: plan.modules[1]!.linears.slice(0, 1) };
  const { k, input } = module.linears[0]!;
  // Every feature of a token is the token's number.
  const tokens = (first: number, count: number) =>
    Float32Array.from({ length: count * length * k }, (_, i) => first * length + Math.floor(i / k));
  const sampled = await withScope(gpu, async (scope) => {
    const sample = new InputSample(gpu, scope, module, { rows, length }, 7);
    for (const [start, count] of [
      [0, 3],
      [3, 3],
      [6, 1],
    ] as const) {
      const x = { ...scope.upload(tokens(start, count), 'inputs'), shape: [count * length, k] };
      sample.take(input, x, start, count * length);
    }
    // A weight whose only output is the first feature.
    const w = scope.upload(
      Float32Array.from({ length: k * 32 }, (_, i) => (i === 0 ? 1 : 0)),
      'weight',
    );
    const y = sample.project(scope, input, { k, n: 32, slices: [{ w, n: 32 }], bias: undefined });
    return new Float32Array(await gpu.read(y));
  });
  const expected = Array.from({ length: rows * 36 }, (_, i) => Math.floor(i / 36) * length + 14 + (i % 36));
  expect(Array.from({ length: rows * 36 }, (_, i) => sampled[i * 32])).toEqual(expected);
});

test('of an expert that few tokens reach, these alone count', async () => {
  const { plan } = await openModel(await expertsModel(), {});
  const module = plan.modules[1]!;
  const [reached, unreached] = module.linears.filter(({ role }) => role === 'down');
  const { k, n } = reached!;
  const errors = await withScope(gpu, async (scope) => {
    const sample = new InputSample(gpu, scope, module, { rows: 7, length: 50 }, 7);
    const x = { ...scope.upload(new Float32Array(3 * k).fill(1), 'inputs'), shape: [3, k] };
    sample.take(reached!.input, x, 0, 3);
    const weight = (value: number) => {
      const w = scope.upload(new Float32Array(k * n).fill(value), 'weight');
      return { k, n, slices: [{ w, n }], bias: undefined };
    };
    const errorOf = (input: string) => {
      const project = (value: number) => sample.project(scope, input, weight(value));
      return sample.error('refined', scope, project(1.5), project(1));
    };
    return [await errorOf(reached!.input), await errorOf(unreached!.input)];
  });
  expect(errors).toEqual([0.5, 0]);
});

test('the error of each linear is the f64 one of its rebuilt weight, and kept for a job that goes on', async () => {
  const { context, strategy, rows } = await tinyJob();
  const choice = { strategy, headBits: 6, perplexityRows: rows.rows, mostRows: 4 } as const;
  const { linearErrors } = await quantize(context, lonePool(), rows, choice);
  const expected = await expectedErrors(context.plan.modules, context, rows);
  expect([...linearErrors.keys()]).toEqual([...expected.keys()]);
  for (const [key, error] of linearErrors)
    expect(Math.abs(error / expected.get(key)! - 1), key).toBeLessThan(TOLERANCE);

  const told = () => context.events.splice(0).filter((event) => event.type === 'linear');
  const first = told();
  expect(first.map(({ key }) => key)).toEqual([...linearErrors.keys(), 'lm_head']);
  expect(first.map(({ error }) => error)).toEqual([...linearErrors.values(), undefined]);
  const again = await quantize(context, lonePool(), rows, choice);
  expect(again.linearErrors).toEqual(linearErrors);
  expect(told()).toEqual(first);
});

/** Both modules of the tiny model's first layer, by ExLlamaV2's strategy. */
async function tinyJob() {
  const whole = await stageContext(gpu, `${GOLDEN_DIR}/architectures/${NAME}`);
  const context = { ...whole, plan: { ...whole.plan, modules: whole.plan.modules.slice(0, 2) } };
  const golden = readJson(`${GOLDEN_DIR}/conversion/architectures/${NAME}/conversion.json`);
  const strategy = strategyFromJson(context.plan, (golden as { strategy: unknown }).strategy);
  const all = await readRows('test/fixtures/calibration/cal_quant.safetensors', 4096);
  const length = 48; // of which 32 are in the sample
  const ids = all.ids.subarray(0, all.rows * length).map((id) => id % context.plan.config.vocabSize);
  return { context, strategy, rows: { ...all, ids, length } };
}

type TinyJob = Awaited<ReturnType<typeof tinyJob>>;

/** In f64: each module reads what the quantized ones before it make of the rows. */
async function expectedErrors(
  modules: readonly ModuleSpec[],
  { plan, work }: TinyJob['context'],
  { ids, rows, length }: TinyJob['rows'],
): Promise<Map<string, number>> {
  const { weight } = await architectureModel(NAME);
  const rebuilt = new Map<string, Float64Array>();
  const errors = new Map<string, number>();
  const taken = 32;
  for (const [i, module] of modules.entries()) {
    const inputs = Array.from({ length: rows }, (_, row) => {
      const rowIds = ids.subarray(row * length, (row + 1) * length);
      return referenceForward(plan, (name) => rebuilt.get(name) ?? weight(name), rowIds).modules[i]!.inputs;
    });
    const file = (await work.openTensors(ARTEFACT.tensors(module.key)))!;
    for (const linear of module.linears) {
      const tensors = new Map<string, HostTensor>();
      for (const { name } of file.tensors.values())
        if (name.startsWith(`${linear.key}.`)) tensors.set(name, await file.read(name));
      const packed = readPackedLinear(linear.key, (name) => tensors.get(name));
      const quantized = transposed(dequantizeLinear(linear.key, packed), linear);
      const samples = inputs.map((all) => all.get(linear.input)!.slice((length - taken) * linear.k));
      errors.set(linear.key, relativeError(samples, weight(linear.weight), quantized, linear));
      rebuilt.set(linear.weight, quantized);
    }
  }
  return errors;
}

/** (k, padded n) to (n, k), as in the source. */
function transposed(w: Float32Array, { k, n }: LinearSpec): Float64Array {
  const padded = w.length / k;
  return Float64Array.from({ length: n * k }, (_, i) => w[(i % k) * padded + Math.floor(i / k)]!);
}

function relativeError(
  samples: readonly Float64Array[],
  weight: ArrayLike<number>,
  quantized: ArrayLike<number>,
  { k, n }: LinearSpec,
): number {
  let [difference, power] = [0, 0];
  for (const x of samples) {
    for (let token = 0; token < x.length / k; token++) {
      for (let column = 0; column < n; column++) {
        let [y, q] = [0, 0];
        for (let i = 0; i < k; i++) {
          y += x[token * k + i]! * weight[column * k + i]!;
          q += x[token * k + i]! * quantized[column * k + i]!;
        }
        difference += (q - y) ** 2;
        power += y ** 2;
      }
    }
  }
  return Math.sqrt(difference / power);
}
