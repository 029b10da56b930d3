import { expect, test } from 'vitest';
import type { WritableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { openSafetensors } from '../../src/io/safetensors/reader.ts';
import { planShard, writeSafetensors } from '../../src/io/safetensors/writer.ts';
import { openRunnableModel } from '../../src/runnable/runnable-model.ts';
import { DTYPES, type DType, type HostTensor } from '../../src/tensor/dtype.ts';
import { InputError, UnsupportedError } from '../../src/util/errors.ts';
import { readJson } from '../support/architectures.ts';
import { exl2Directory } from '../support/exl2-model.ts';

const NAME = 'llama_tied_bias';
const original = readJson(`test/fixtures/golden/architectures/${NAME}/config.json`) as object;

/** The EXL2 model with other tensors and another config.json. */
async function changed(
  change: (tensors: HostTensor[]) => HostTensor[],
  config: object = { ...original, quantization_config: { quant_method: 'exl2' } },
): Promise<WritableDirectory> {
  const file = await openSafetensors((await exl2Directory(NAME).open('output.safetensors'))!);
  const tensors = change(await Promise.all([...file.tensors.keys()].map((name) => file.read(name))));
  const directory = memoryDirectory('model', { 'config.json': JSON.stringify(config) });
  await writeSafetensors(
    directory,
    planShard('output.safetensors', tensors),
    (name) => tensors.find((tensor) => tensor.name === name)!,
  );
  return directory;
}

const renamed = (pattern: RegExp, to: string) => (tensors: HostTensor[]) =>
  tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace(pattern, to) }));

const without = (pattern: RegExp) => (tensors: HostTensor[]) =>
  tensors.filter(({ name }) => !pattern.test(name));

async function refusal(directory: WritableDirectory): Promise<Error> {
  return openRunnableModel(directory).then(
    () => new Error('was opened'),
    (error: Error) => error,
  );
}

test('an EXL2 model says its bits; one without quantization_config is known by its tensors', async () => {
  const { quantization, outline } = await openRunnableModel(exl2Directory(NAME));
  expect(quantization).toEqual({ bits: 4, headBits: 6 });
  expect(outline.modules).toHaveLength(4);
  const old = await openRunnableModel(await changed((tensors) => tensors, original));
  expect(old.quantization).toEqual({ bits: undefined, headBits: undefined });
});

test.each([
  ['awq', 'AWQ'],
  ['gptq', 'GPTQ'],
  ['bitsandbytes', 'BITSANDBYTES'],
  ['exl3', 'EXL3'],
])('quantization_config of %s is named', async (method, shown) => {
  const config = { ...original, quantization_config: { quant_method: method } };
  const error = await refusal(await changed(renamed(/q_weight/, 'qweight'), config));
  expect(error).toBeInstanceOf(UnsupportedError);
  expect(error.message).toContain(`(${shown})`);
  expect(error.message).toContain('Get the original model');
});

test('GPTQ without quantization_config is known by its tensors', async () => {
  const gptq = (tensors: HostTensor[]) =>
    renamed(/q_invperm/, 'g_idx')(renamed(/q_weight/, 'qweight')(tensors));
  expect((await refusal(await changed(gptq, original))).message).toContain('(GPTQ)');
});

test('a folder with a GGUF file only', async () => {
  const error = await refusal(memoryDirectory('folder', { 'model.gguf': 'x', 'config.json': '{}' }));
  expect(error).toBeInstanceOf(InputError);
  expect(error.message).toContain('GGUF');
});

test.each([
  [/layers\.1\.mlp\.up_proj\.q_scale$/, 'model.layers.1.mlp.up_proj.q_scale'],
  [/^lm_head\.q_groups$/, 'lm_head.q_groups'],
  [/^model\.norm\.weight$/, 'model.norm.weight'],
  [/layers\.0\.self_attn\.q_proj\.bias$/, 'model.layers.0.self_attn.q_proj.bias'],
])('a missing tensor is named: %s', async (pattern, name) => {
  const error = await refusal(await changed(without(pattern)));
  expect(error).toBeInstanceOf(InputError);
  expect(error.message).toContain(`lacks ${name}`);
});

test('many missing tensors are counted', async () => {
  expect((await refusal(await changed(without(/layers\.1\./)))).message).toMatch(/and \d+ more/);
});

test.each([
  [
    { hidden_size: 160, head_dim: 32, num_attention_heads: 5, num_key_value_heads: 5 },
    'model.embed_tokens.weight',
  ],
  [{ intermediate_size: 256 }, 'q_weight'],
  [{ vocab_size: 352 }, 'model.embed_tokens.weight'],
])('another model’s config.json: %j', async (change, tensor) => {
  const error = await refusal(await changed((tensors) => tensors, { ...original, ...change }));
  expect(error).toBeInstanceOf(InputError);
  expect(error.message).toContain(tensor);
  expect(error.message).toContain('not of the same model');
});

const KINDS = [
  ...['model.embed_tokens.weight', 'model.norm.weight', 'model.layers.0.input_layernorm.weight'],
  ...['q_weight', 'q_scale', 'q_scale_max', 'q_groups', 'q_invperm', 'bias'].map(
    (name) => `model.layers.0.self_attn.q_proj.${name}`,
  ),
  'lm_head.q_weight',
];

test.each(KINDS)(
  '%s of any other dtype, or with its shape turned, is named with the folder',
  async (name) => {
    const as = (change: (tensor: HostTensor) => HostTensor) => (tensors: HostTensor[]) =>
      tensors.map((tensor) => (tensor.name === name ? change(tensor) : tensor));
    const file = await openSafetensors((await exl2Directory(NAME).open('output.safetensors'))!);
    const { dtype, shape } = file.tensors.get(name)!;
    const { bytes } = DTYPES[dtype];
    const others = (Object.keys(DTYPES) as DType[]).filter(
      (other) => DTYPES[other].bytes === bytes && other !== dtype && !['F16', 'BF16'].includes(other),
    );
    const changes = [
      ...others.map((other) => as((tensor) => ({ ...tensor, dtype: other }))),
      ...(shape.length > 1 ? [as((tensor) => ({ ...tensor, shape: shape.toReversed() }))] : []),
      as((tensor) => ({ ...tensor, shape: [1, ...shape] })),
    ];
    for (const change of changes) {
      const error = await refusal(await changed(change));
      // What only the tensors of one linear say about each other is found when they are read.
      const isRead = error.message === 'was opened';
      expect(isRead && !name.endsWith('_max') && !name.endsWith('_groups')).toBe(false);
      if (isRead) continue;
      expect(error).toBeInstanceOf(InputError);
      expect(error.message).toContain(`Tensor ${name} of the EXL2 model model`);
    }
  },
);

test('no config.json', async () => {
  const error = await refusal(memoryDirectory('folder', { 'output.safetensors': new Uint8Array(8) }));
  expect(error).toBeInstanceOf(InputError);
});
