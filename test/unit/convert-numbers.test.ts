import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { ReadableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import { InputError, NumericalError } from '../../src/util/errors.ts';
import { testGpu } from '../support/gpu.ts';
import { type OddModel, oddModel, put } from '../support/odd-models.ts';
import { tinyJob } from '../support/tiny-job.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());

/** A conversion of the model with what it left and told. */
async function tried(model: ReadableDirectory, measureOnly = false, work = memoryDirectory('work')) {
  const output = memoryDirectory('output');
  const job = await tinyJob(gpu, model, { work, output });
  const settings = { ...job.settings, measureOnly };
  const error = await convert({ ...job, settings }).then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  const stages = job.events.flatMap((event) =>
    event.type === 'stage' ? [`${event.stage} ${event.state}`] : [],
  );
  return { error, stages, events: job.events, work, output };
}

/** Sets element `at` of a tensor, which becomes F32. */
const withValue = (name: string, at: number, value: number) => (model: OddModel) => {
  const { shape } = model.tensors.get(name)!;
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.01);
  values[at] = value;
  put(model, { name, dtype: 'F32', shape, data: new Uint8Array(values.buffer) });
};

describe('a value that is no number, or too large for f16, stops the job before it measures', () => {
  test.each([
    ['llama3_rope', 'model.embed_tokens.weight', 319 * 128 + 5, 'row 319, column 5'],
    ['llama3_rope', 'model.layers.1.input_layernorm.weight', 5, 'element 5'],
    ['llama3_rope', 'model.layers.1.mlp.down_proj.weight', 192, 'row 1, column 0'],
    ['llama3_rope', 'model.norm.weight', 127, 'element 127'],
    ['llama3_rope', 'lm_head.weight', 7 * 128, 'row 7, column 0'],
    ['qwen2', 'model.layers.0.self_attn.v_proj.bias', 3, 'element 3'],
    ['qwen3', 'model.layers.0.self_attn.k_norm.weight', 1, 'element 1'],
  ])('%s: %s', async (architecture, name, at, where) => {
    for (const [value, shown] of [
      [Number.NaN, 'NaN'],
      [Number.NEGATIVE_INFINITY, '-Infinity'],
      [-65520, '-65520'],
    ] as const) {
      const { error, stages, output } = await tried(await oddModel(withValue(name, at, value), architecture));
      expect(error).toBeInstanceOf(InputError);
      expect(error?.message).toMatch(new RegExp(`^tensor ${name} \\(.*\\) has ${shown} in ${where}`));
      expect(stages).toEqual(['calibrate started']);
      expect(await output.list()).toEqual([]);
    }
  });

  test('but not in a tensor that the model does not need', async () => {
    const model = await oddModel((odd) => {
      withValue('model.norm.weight', 0, Number.NaN)(odd);
      const norm = odd.tensors.get('model.norm.weight')!;
      odd.tensors.delete('model.norm.weight');
      put(odd, { ...norm, name: 'mtp.norm.weight' });
      put(odd, { ...norm, data: new Uint8Array(Float32Array.from({ length: 128 }, () => 1).buffer) });
    });
    const { error, stages } = await tried(model, true);
    expect(error).toBeUndefined();
    expect(stages).toContain('measure done');
  });
});

test('a reference perplexity that is not finite stops the job', async () => {
  const model = await oddModel((odd) => {
    const large = (name: string, at: (i: number) => number) => {
      const { shape } = odd.tensors.get(name)!;
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => at(i));
      put(odd, { name, dtype: 'F32', shape, data: new Uint8Array(values.buffer) });
    };
    large('model.norm.weight', () => 6e4);
    large('lm_head.weight', (i) => (Math.floor(i / 128) % 2 === 0 ? 3e4 : -3e4) * (i % 3));
  });
  const { error, stages, work, events } = await tried(model);
  expect(error).toBeInstanceOf(NumericalError);
  expect(error?.message).toContain('The original model has a perplexity of Infinity on plain text');
  expect(stages).toEqual(['calibrate started']);
  expect(events.filter(({ type }) => type === 'reference')).toEqual([]);
  expect((await work.list()).map(({ path }) => path)).not.toContain('reference.safetensors');
});

const checked = (events: readonly ConvertEvent[]) =>
  events.flatMap((event) =>
    event.type === 'progress' && event.detail.startsWith('checks ') ? [event.detail.slice(7)] : [],
  );

test('weights are read once at the start, and not again when the job goes on', async () => {
  const model = await oddModel();
  const { events, work, error } = await tried(model, true);
  expect(error).toBeUndefined();
  const names = checked(events);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain('lm_head.weight');
  expect(names).toHaveLength(21);
  expect(checked((await tried(model, true, work)).events)).toEqual([]);
  const other = await oddModel(withValue('model.norm.weight', 0, 1));
  expect(checked((await tried(other, true)).events)).toHaveLength(21);
});

describe('states that overflow name the module', () => {
  /** Weights that f16 holds, and states that no f32 does, from this layer's MLP on. */
  const overflowing = (layer: number) => (model: OddModel) => {
    for (const name of ['gate_proj', 'up_proj', 'down_proj']) {
      const weight = `model.layers.${layer}.mlp.${name}.weight`;
      const { shape } = model.tensors.get(weight)!;
      const values = new Float32Array(shape[0]! * shape[1]!).fill(6e4);
      put(model, { name: weight, dtype: 'F32', shape, data: new Uint8Array(values.buffer) });
    }
    withValue(`model.layers.${layer}.post_attention_layernorm.weight`, 0, 6e4)(model);
  };

  test.each([0, 1])('in the trial of the original, before it is measured: layer %d', async (layer) => {
    const { error, stages } = await tried(await oddModel(overflowing(layer)));
    expect(error).toBeInstanceOf(NumericalError);
    expect(error?.message).toMatch(new RegExp(`^model.layers.${layer}.mlp: its states overflow in model: `));
    expect(stages).toEqual(['calibrate started']);
  });

  test.each([0, 1])('when only measuring, which writes nothing of it: layer %d', async (layer) => {
    const { error, work } = await tried(await oddModel(overflowing(layer)), true);
    expect(error).toBeInstanceOf(NumericalError);
    expect(error?.message).toMatch(
      new RegExp(`^model.layers.${layer}.mlp: its states overflow in the original model: `),
    );
    const written = (await work.list()).map(({ path }) => path);
    expect(written).not.toContain('measurement.json');
    expect(written).not.toContain(`measured/model.layers.${layer}.mlp.json`);
  });
});
