import { expect, test } from 'vitest';
import { copyRule } from '../../src/io/model/copied-files.ts';

const files = (paths: readonly string[], size = 1) => paths.map((path) => ({ path, size }));
/** What is taken over of a folder with these files. */
const copied = (...paths: string[]): string[] => {
  const all = files(paths);
  return all.filter(copyRule(all)).map(({ path }) => path);
};

test.each([
  ...[
    'config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'generation_config.json',
    'vocab.json',
    'merges.txt',
  ],
  ...[
    'tokenizer.model',
    'sentencepiece.bpe.model',
    'qwen.tiktoken',
    'tekken.json',
    'special_tokens_map.json',
  ],
  ...[
    'added_tokens.json',
    'preprocessor_config.json',
    'chat_template.jinja',
    'additional_chat_templates/tool.jinja',
  ],
  ...[
    'README.md',
    'readme.md',
    'LICENSE',
    'LICENSE.txt',
    'LICENSE-MODEL',
    'Licence',
    'NOTICE',
    'USE_POLICY.md',
  ],
  ...[
    'USE_POLICY',
    '.gitattributes',
    'modeling_x.py',
    'cache_kernel_256.cu',
    'images/a.png',
    'docs/paper.pdf',
  ],
  ...['1_Pooling/config.json', 'onnx/config.json', 'onnx_data_1.md', 'params.json', 'index.json'],
])('%s is taken over', (path) => {
  expect(copied(path)).toEqual([path]);
});

test.each([
  ...[
    'model.safetensors',
    'MODEL.SAFETENSORS',
    'model.safetensors.index.json',
    'model.safetensors.index.fp16.json',
  ],
  ...[
    'pytorch_model.bin',
    'pytorch_model.bin.index.json',
    'x.pt',
    'x.pth',
    'tf_model.h5',
    'flax_model.msgpack',
  ],
  ...[
    'rust_model.ot',
    'weights.npz',
    'weights.npy',
    'model.nemo',
    'imatrix.dat',
    'model.mnn',
    'model.pte',
    'data',
  ],
  ...[
    'model-q4_k_m.gguf',
    'model.gguf.part1of2',
    'model-Q8_0.gguf-split-a',
    'ggml-model-q4_0.ggml',
    'x.llamafile',
  ],
  ...['model.tflite', 'model.task', 'model.onnx', 'model.onnx_data', 'model.onnx.data', 'onnx__MatMul_3068'],
  ...['model.safetensors.zip', 'model.tar.gz', 'model.7z', 'model.tgz', 'LICENSE.safetensors'],
  ...[
    'model.safetensors.incomplete',
    'Unconfirmed 12345.crdownload',
    'a.json.part',
    'config.json.aria2',
    'x.tmp',
  ],
  ...['output.safetensors.partial', 'config.json~', '.config.json.swp', 'config.json.bak'],
  ...[
    'training_args.bin',
    'trainer_state.json',
    'scheduler.pt',
    'rng_state.pth',
    'all_results.json',
    'optimizer.pt',
  ],
  ...['train.parquet', 'train.jsonl', 'data.csv', 'data.arrow', 'notebook.ipynb'],
  ...[
    'quantize_config.json',
    'quant_config.json',
    'hf_quant_config.json',
    'adapter_config.json',
    'measurement.json',
  ],
  ...['.DS_Store', '._config.json', '._README.md', 'Thumbs.db', 'desktop.ini', '.gitignore', '.env'],
  ...['.git/config', '.cache/huggingface/x.json', 'sub/.hidden/a.txt', '__pycache__/m.cpython-311.pyc'],
  ...[
    '__pycache__/a.json',
    'runs/Jan01/a.json',
    'logs/a.txt',
    'wandb/run/a.json',
    'checkpoint-500/trainer.json',
  ],
  ...['global_step500/a.json', 'sub/checkpoint-1/config.json', 'tmp/a.json'],
])('%s is not', (path) => {
  expect(copied(path)).toEqual([]);
});

test('a folder that holds weights is the model in another form, with all that is in it', () => {
  expect(
    copied(
      ...[
        'config.json',
        'model.safetensors',
        'docs/a.md',
        'original/params.json',
        'original/consolidated.00.pth',
      ],
      ...['onnx/config.json', 'onnx/model.onnx', 'ov/model.xml', 'ov/model.bin', 'x.mlpackage/Manifest.json'],
      ...['x.mlpackage/Data/weights/weight.bin', '4bit/config.json', '4bit/model.safetensors'],
      ...['gguf/README.md', 'gguf/model.gguf.part1of2'],
    ),
  ).toEqual(['config.json', 'docs/a.md']);
});

test('what is large is no description of a model', () => {
  const large = files(['corpus.txt'], 100e6 + 1);
  expect(large.filter(copyRule(large))).toEqual([]);
  const tokenizer = files(['tokenizer.json'], 35e6);
  expect(tokenizer.filter(copyRule(tokenizer))).toEqual(tokenizer);
});
