import { describe, expect, it } from 'vitest';
import { openModelDirectory } from '../../src/io/model/model-directory.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { InputError, UnsupportedError } from '../../src/util/errors.ts';
import { entry, fileOf } from './io-fixtures.ts';

/** A file with one U8 tensor of one byte per name. */
const bytes = (...names: string[]) =>
  fileOf(`{${names.map((name, i) => `"${name}":${entry('U8', [1], [i, i + 1])}`).join(',')}}`, names.length);
const index = (map: unknown) => JSON.stringify({ metadata: {}, weight_map: map });
const open = (files: Record<string, Uint8Array | string>) =>
  openModelDirectory(memoryDirectory('model', files));
const INDEX = 'model.safetensors.index.json';

describe('finding the weights', () => {
  it('by the index, whose shards may hold more, and no other files', async () => {
    const model = await open({
      [INDEX]: index({ a: 'm-1.safetensors', b: 'm-2.safetensors' }),
      'm-1.safetensors': bytes('a', 'extra'),
      'm-2.safetensors': bytes('b'),
      'consolidated.safetensors': bytes('a', 'b'),
    });
    expect(model.names()).toEqual(['a', 'extra', 'b']);
    expect(model.info('b')).toMatchObject({ name: 'b', dtype: 'U8', shape: [1] });
    expect([model.has('b'), model.has('c'), model.info('c')]).toEqual([true, false, undefined]);
  });

  it('by model.safetensors, then all in the top folder', async () => {
    const one = await open({ 'model.safetensors': bytes('a'), 'adapter.safetensors': bytes('a') });
    expect(one.names()).toEqual(['a']);
    const all = await open({
      'output-00001-of-00002.safetensors': bytes('a'),
      'output-00002-of-00002.safetensors': bytes('b'),
      'sub/other.safetensors': bytes('c'),
    });
    expect(all.names()).toEqual(['a', 'b']);
  });

  it('beside an index that was copied from another model', async () => {
    const model = await open({
      [INDEX]: index({ a: 'model-1.safetensors' }),
      'output.safetensors': bytes('q'),
    });
    expect(model.names()).toEqual(['q']);
  });
});

describe('a model that is not whole is refused', () => {
  it.each<[string, Record<string, Uint8Array | string>, RegExp]>([
    [
      'all shards missing',
      { [INDEX]: index({ a: '1.safetensors' }), 'config.json': '{}' },
      /lacks 1.safetensors/,
    ],
    [
      'a number missing among the shards',
      { 'o-00001-of-00003.safetensors': bytes('a'), 'o-00003-of-00003.safetensors': bytes('b') },
      /lacks o-00002-of-00003.safetensors/,
    ],
    [
      'a tensor in two files',
      { 'a.safetensors': bytes('x'), 'b.safetensors': bytes('x') },
      /"x" is in both model\/a.safetensors and model\/b.safetensors/,
    ],
    ['an index without a map', { [INDEX]: '[]', 'a.safetensors': bytes('x') }, /no "weight_map" object/],
    ['an index with a number', { [INDEX]: index({ a: 1 }) }, /weight_map "a" is not a file name/],
    ['a broken index', { [INDEX]: '{' }, /index.json is not valid JSON/],
    ['PyTorch weights only', { 'pytorch_model.bin': 'x' }, /pytorch_model.bin.*safe_serialization=True/],
    ['GGUF only', { 'm.Q4_K.gguf': 'GGUF' }, /m.Q4_K.gguf.*get the original one/],
    ['no weights', { 'config.json': '{}' }, /no .safetensors files: choose the folder/],
  ])('%s', async (_what, files, message) => {
    const opened = open(files);
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toThrow(InputError);
  });

  it.each<[string, Record<string, Uint8Array | string>, RegExp]>([
    [
      'missing shards',
      {
        [INDEX]: index({
          a: '1.safetensors',
          b: '2.safetensors',
          c: '3.safetensors',
          extra: '4.safetensors',
        }),
        '1.safetensors': bytes('a'),
      },
      /lacks 2.safetensors, 3.safetensors, named in model.safetensors.index.json/,
    ],
    [
      'a shard outside the folder',
      { [INDEX]: index({ a: '../1.safetensors', b: '2.safetensors' }), '2.safetensors': bytes('b') },
      /lacks \.\.\/1.safetensors/,
    ],
    [
      'tensors not where the index says',
      {
        [INDEX]: index({
          a: '1.safetensors',
          b: '1.safetensors',
          extra: '1.safetensors',
          c: '2.safetensors',
        }),
        '1.safetensors': bytes('a'),
        '2.safetensors': bytes('c', 'b'),
      },
      /lacks the tensors b \(1.safetensors\), named/,
    ],
    [
      'a tensor that the index does not name in two of its files',
      {
        [INDEX]: index({ a: '1.safetensors', b: '2.safetensors' }),
        '1.safetensors': bytes('a', 'c'),
        '2.safetensors': bytes('b', 'c'),
      },
      /"c" is in both model\/1.safetensors and model\/2.safetensors/,
    ],
  ])('%s, if they are needed', async (_what, files, message) => {
    const model = await open(files);
    expect(() => model.checkNeeded(['a', 'b', 'c'])).toThrow(message);
    expect(() => model.checkNeeded(['a', 'b', 'c'])).toThrow(InputError);
    expect(() => model.checkNeeded(['other'])).not.toThrow();
  });

  it('lists at most eight names', async () => {
    const names = Array.from({ length: 20 }, (_, i) => [`t${i}`, '1.safetensors'] as const);
    const files = { [INDEX]: index(Object.fromEntries(names)), '1.safetensors': bytes('a') };
    const model = await open(files);
    expect(() => model.checkNeeded(names.map(([name]) => name))).toThrow(/t7 \(1.safetensors\) and 12 more/);
  });

  it('a tensor of an unknown dtype, if it is needed', async () => {
    const model = await open({
      'model.safetensors': fileOf(`{"a":${entry('C64', [1], [0, 8])},"b":${entry('U8', [1], [8, 9])}}`, 9),
    });
    expect([model.names(), model.unreadable, model.has('a')]).toEqual([['b'], ['a'], false]);
    model.checkNeeded(['b']);
    expect(() => model.checkNeeded(['a'])).toThrow(UnsupportedError);
    await expect(model.read('a')).rejects.toThrow(
      /"a" in model\/model.safetensors has dtype "C64", which is not known here/,
    );
  });

  it.each([
    ['its weights and description', { 'adapter_config.json': '{"base_model_name_or_path":"x/y"}' }],
    ['its weights and config.json', { 'config.json': '{}' }],
  ])('an adapter with %s', async (_what, files) => {
    const opened = open({ ...files, 'adapter_model.safetensors': bytes('lora_A') });
    await expect(opened).rejects.toThrow(/holds an adapter \(adapter_model.safetensors\).*merge it into/);
    if ('adapter_config.json' in files) await expect(opened).rejects.toThrow(/base model x\/y first/);
  });
});

describe('an index decides', () => {
  it('where a tensor is read from that two files have', async () => {
    const two = (first: string) =>
      open({
        [INDEX]: index({ a: first, b: '2.safetensors' }),
        '1.safetensors': bytes('a'),
        '2.safetensors': bytes('b', 'a'),
      });
    for (const file of ['1.safetensors', '2.safetensors']) {
      const model = await two(file);
      model.checkNeeded(['a', 'b']);
      expect(model.names().toSorted()).toEqual(['a', 'b']);
      const names = file === '1.safetensors' ? ['a', 'b'] : ['b', 'a'];
      expect(model.names()).toEqual(names);
    }
  });
});

it('what macOS and Windows leave in a folder is no part of a model', async () => {
  const litter = ['._m-00001-of-00002.safetensors', '._config.json', 'sub/._a.txt', '.DS_Store', 'Thumbs.db'];
  const model = await open({
    ...Object.fromEntries(litter.map((path) => [path, 'Mac OS X'])),
    'm-00001-of-00002.safetensors': bytes('a'),
    'm-00002-of-00002.safetensors': bytes('b'),
    'config.json': '{}',
  });
  expect(model.names()).toEqual(['a', 'b']);
  expect(model.copiedFiles().map(({ path }) => path)).toEqual(['config.json']);
});

describe('a git-lfs pointer', () => {
  const POINTER = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n';

  it('in place of a JSON file is told as one', async () => {
    const model = await open({ 'model.safetensors': bytes('a'), 'config.json': POINTER });
    await expect(model.readJson('config.json')).rejects.toThrow(
      /config.json is a git-lfs pointer.*git lfs pull/,
    );
    await expect(open({ [INDEX]: POINTER, 'model.safetensors': bytes('a') })).rejects.toThrow(
      /git-lfs pointer/,
    );
  });

  it('in place of a file that would be copied is not copied', async () => {
    const model = await open({
      'model.safetensors': bytes('a'),
      'config.json': '{}',
      'tokenizer.model': POINTER,
      'images/a.png': POINTER,
    });
    expect(model.pointers).toEqual(['images/a.png', 'tokenizer.model']);
    expect(model.copiedFiles().map(({ path }) => path)).toEqual(['config.json']);
  });
});

describe('reading', () => {
  it('names near tensors when one is missing', async () => {
    const model = await open({
      'model.safetensors': bytes('model.layers.0.self_attn.q_proj.weight', 'model.norm.weight', 'zzz'),
    });
    expect(() => model.requireInfo('layers.0.self_attn.q_proj.weight')).toThrow(
      /has no tensor "layers.0.self_attn.q_proj.weight"; the nearest are model.layers.0.self_attn.q_proj.weight\./,
    );
    await expect(model.read('norm.weight')).rejects.toThrow(/model.norm.weight/);
    await expect(model.readRows('nothing.like.it', 0, 1)).rejects.toThrow(/it has 3 others/);
    expect(model.requireInfo('zzz').shape).toEqual([1]);
  });

  it('widens F32, F16 and BF16 and refuses the rest', async () => {
    const file = fileOf(
      `{"f32":${entry('F32', [2], [0, 8])},"f16":${entry('F16', [1, 2], [8, 12])},` +
        `"bf16":${entry('BF16', [2], [12, 16])},"i16":${entry('I16', [1], [16, 18])}}`,
      18,
    );
    const view = new DataView(file.buffer, file.length - 18);
    view.setFloat32(0, 1.1, true);
    view.setFloat32(4, -3e38, true);
    [0x3c00, 0xfbff, 0x4049, 0xff80].forEach((bits, i) => {
      view.setUint16(8 + 2 * i, bits, true);
    });
    const model = await open({ 'model.safetensors': file });
    expect(await model.readFloat('f32')).toEqual({ data: Float32Array.of(1.1, -3e38), shape: [2] });
    expect(await model.readFloat('f16')).toEqual({ data: Float32Array.of(1, -65504), shape: [1, 2] });
    expect(await model.readFloat('bf16')).toEqual({ data: Float32Array.of(3.140625, -Infinity), shape: [2] });
    const refused = model.readFloat('i16');
    await expect(refused).rejects.toThrow(UnsupportedError);
    await expect(refused).rejects.toThrow(
      /"i16" in model\/model.safetensors is I16; expected F32, F16 or BF16/,
    );
  });

  it('JSON files', async () => {
    const model = await open({
      'model.safetensors': bytes('a'),
      'config.json': '\ufeff{"a":1}',
      'bad.json': '{"a" 1}',
    });
    expect(await model.readJson('config.json')).toEqual({ a: 1 });
    expect(await model.readOptionalJson('generation_config.json')).toBeUndefined();
    await expect(model.readJson('tokenizer.json')).rejects.toThrow(/model has no tokenizer.json/);
    await expect(model.readOptionalJson('bad.json')).rejects.toThrow(/model\/bad.json is not valid JSON/);
  });
});

describe('what an output takes over', () => {
  it('is the model’s own small files, no weights, indexes or hidden folders', async () => {
    const kept = [
      '.gitattributes',
      'README.md',
      'config.json',
      'sub/notes.txt',
      'tokenizer.model',
      'vocab.index.json',
    ];
    const left = [
      '.cache/huggingface/x.json',
      '.git/config',
      'sub/.hidden/a.txt',
      'model.safetensors',
      INDEX,
      'pytorch_model.bin',
      'pytorch_model.bin.index.json',
      'original/consolidated.00.pth',
      'onnx/model.onnx',
      'onnx/model.onnx_data',
      'tf_model.h5',
      'flax_model.msgpack',
      'model.GGUF',
      'x.pt',
    ];
    const files: Record<string, Uint8Array | string> = {};
    for (const path of [...kept, ...left]) files[path] = 'text';
    files['model.safetensors'] = bytes('a');
    files[INDEX] = index({});
    const model = await open(files);
    expect(model.copiedFiles()).toEqual(kept.map((path) => ({ path, size: 4 })));
  });
});
