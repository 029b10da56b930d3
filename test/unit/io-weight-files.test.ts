import { expect, test } from 'vitest';
import { isCopied } from '../../src/io/weight-files.ts';

test.each([
  'model.safetensors',
  'model.safetensors.index.json',
  'onnx/model.onnx',
  'onnx/model.onnx_data',
  'onnx/model.onnx_data_1',
  'onnx/model_fp16.onnx_data_12',
  'model.onnx.data',
])('%s is weights, which no output takes over', (path) => {
  expect(isCopied({ path, size: 1 })).toBe(false);
});

test.each(['tokenizer.json', 'onnx/config.json', 'data', 'training.data', 'onnx_data_1.md'])(
  '%s is copied',
  (path) => {
    expect(isCopied({ path, size: 1 })).toBe(true);
  },
);
