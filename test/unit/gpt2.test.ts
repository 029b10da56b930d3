import { afterAll, describe, expect, test } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import { weightParts } from '../../src/estimate/output-size.ts';
import { finalStates } from '../../src/evaluate/final-states.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { LanguageModel } from '../../src/inference/language-model.ts';
import type { ReadableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { openModel } from '../../src/model/check/open-model.ts';
import { parameterCount } from '../../src/model/sizes.ts';
import { referenceForward } from '../../src/reference/model.ts';
import { openRunnableModel } from '../../src/runnable/runnable-model.ts';
import { elementCount, type HostTensor } from '../../src/tensor/dtype.ts';
import { toFloat } from '../../src/tensor/float-tensor.ts';
import { InputError } from '../../src/util/errors.ts';
import { expectNmse, nmse } from '../support/compare.ts';
import { dequantized } from '../support/exl2-model.ts';
import { GPT2_CONFIG, gpt2Model, POSITIONS } from '../support/gpt2-model.ts';
import { testGpu } from '../support/gpu.ts';
import { put, zeros } from '../support/odd-models.ts';
import { randomIntegers } from '../support/random.ts';
import { tinyJob } from '../support/tiny-job.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

const IDS = Int32Array.from(randomIntegers(POSITIONS, 320, 1));

/** What a model makes of the ids token by token, (m, vocabulary). */
async function oneByOne(model: LanguageModel): Promise<number[]> {
  return withScope(gpu, async (scope) => {
    const cache = model.newCache(scope, IDS.length);
    const logits: number[] = [];
    for (const id of IDS) logits.push(...(await model.next([id], cache)));
    return logits;
  });
}

async function referenceOf(directory: ReadableDirectory) {
  const { source, plan } = await openModel(directory, {});
  const weights = new Map<string, Float32Array>();
  for (const name of source.names()) weights.set(name, (await source.readFloat(name)).data);
  return referenceForward(plan, (name) => weights.get(name)!, IDS);
}

describe.each(['', 'transformer.'])('a GPT-2 whose names begin with "%s"', (prefix) => {
  test('has positions wherever it is run: all tokens at once, in pieces, one by one', async () => {
    const directory = await gpt2Model(prefix);
    const { logits, modules } = await referenceOf(directory);
    const model = await openRunnableModel(directory);
    const states = await finalStates(gpu, model, { rows: 1, length: IDS.length, ids: IDS });
    const loaded = await LanguageModel.load(gpu, model);
    const vocabulary = logits.length / IDS.length;
    expectNmse(await oneByOne(loaded), logits, 1e-11);
    const last = await withScope(gpu, async (scope) => {
      const cache = loaded.newCache(scope, IDS.length);
      await loaded.next([...IDS.subarray(0, 7)], cache);
      return loaded.next([...IDS.subarray(7)], cache);
    });
    expectNmse(last, logits.subarray(-vocabulary), 1e-11);
    expectNmse(await states.readRow(0), modules.at(-1)!.output, 1e-11);
    await states.free();
    loaded.free();
  });

  test('is converted to the names that ExLlamaV2 looks for, and the output runs as its weights say', async () => {
    const output = memoryDirectory('output');
    const job = await tinyJob(gpu, await gpt2Model(prefix), { work: memoryDirectory('work'), output });
    await convert(job);
    const { source, outline } = await openRunnableModel(output);
    expect(
      source.names().filter((name) => !name.includes('.layers.0.') && !name.includes('lm_head')),
    ).toEqual(
      expect.arrayContaining([
        ...['model.embed_tokens.weight', 'model.norm.bias', 'model.norm.weight', 'model.wpe.weight'],
      ]),
    );
    expect(source.has('model.layers.0.self_attn.q_proj.q_weight')).toBe(true);
    expect(source.requireInfo('model.wpe.weight')).toMatchObject({ dtype: 'F16', shape: [POSITIONS, 64] });
    const config = await source.readJson('config.json');
    expect(config).toMatchObject({ ...GPT2_CONFIG, n_inner: 256 });
    const values = new Map<string, HostTensor>();
    for (const name of source.names()) values.set(name, await source.read(name));
    const weights = new Map(
      [...dequantized(values, outline)].map(([key, tensor]) => [key, toFloat(tensor, key).data]),
    );
    const untied = { ...outline, head: { ...outline.head, weight: `${outline.head.key}.weight` } };
    const { logits } = referenceForward(untied, (name) => weights.get(name)!, IDS);
    const model = await LanguageModel.load(gpu, await openRunnableModel(output));
    expect(nmse(await oneByOne(model), logits)).toBeLessThan(1e-9);
    model.free();
  });
});

test('masks that old files carry are passed over, whatever their dtype', async () => {
  const directory = await gpt2Model('', (model) => {
    put(model, zeros('h.0.attn.bias', 'F32', [1, 1, 4, 4], 64));
    put(model, zeros('h.0.attn.masked_bias', 'F32', [], 4));
    put(model, { ...zeros('h.1.attn.bias', 'F32', [1, 1, 4, 4], 16), dtype: 'BOOL' });
  });
  expect((await openModel(directory, {})).warnings).toEqual([]);
});

test('the table of positions counts among what is stored, and as parameters', async () => {
  const { source, plan } = await openModel(await gpt2Model(), {});
  const all = source.names().reduce((sum, name) => sum + elementCount(source.requireInfo(name).shape), 0);
  expect(parameterCount(plan)).toBe(all);
  const norms = 6 * 64;
  expect(weightParts(plan, 6, 0).stored).toBe(2 * (320 * 64 + POSITIONS * 64 + norms));
});

test('texts beyond the learned positions are refused', async () => {
  const model = await openRunnableModel(await gpt2Model());
  const rows = { rows: 1, length: POSITIONS + 1, ids: new Int32Array(POSITIONS + 1) };
  await expect(finalStates(gpu, model, rows)).rejects.toThrow(InputError);
  await expect(finalStates(gpu, model, rows)).rejects.toThrow(/41 tokens .* learned 40 positions/);
});

test('calibration and held-out rows end where the positions do', async () => {
  const job = await tinyJob(gpu, await gpt2Model(), {
    work: memoryDirectory('work'),
    output: memoryDirectory('output'),
  });
  const asked: unknown[] = [];
  const { measurement, quantization, heldOut } = job.calibration;
  await convert({
    ...job,
    calibration: {
      measurement: (tokenizer, needed, longest) => {
        asked.push(longest);
        return measurement(tokenizer, needed, longest);
      },
      quantization: (tokenizer, needed, longest) => {
        asked.push(longest);
        return quantization!(tokenizer, needed, longest);
      },
      heldOut: (tokenizer, shape) => {
        asked.push(shape);
        return heldOut(tokenizer, shape);
      },
    },
  });
  expect(asked).toEqual([POSITIONS, POSITIONS, { rows: 2, length: POSITIONS }]);
});
