import { expect, test } from 'vitest';
import { openModelDirectory } from '../../src/io/model/model-directory.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { checkValues, valueBytes } from '../../src/model/check/check-values.ts';
import type { HostTensor } from '../../src/tensor/dtype.ts';
import { InputError } from '../../src/util/errors.ts';
import { safetensorsOf } from '../support/odd-models.ts';

const halves = (name: string, shape: number[], put: (values: Uint16Array) => void = () => {}): HostTensor => {
  const values = new Uint16Array(shape.reduce((a, b) => a * b, 1)).fill(0x3c00);
  put(values);
  return { name, dtype: 'F16', shape, data: new Uint8Array(values.buffer) };
};
const open = (...tensors: HostTensor[]) =>
  openModelDirectory(memoryDirectory('model', { 'model.safetensors': safetensorsOf(tensors) }));

test('all values of the tensors asked for are read once, in the order of the file', async () => {
  const source = await open(
    halves('b', [3]),
    halves('skipped', [1]),
    halves('a', [2048, 3000]),
    halves('c', [1]),
  );
  const seen: [number, string][] = [];
  const names = new Set(['a', 'b', 'c']);
  await checkValues(source, names, (done, name) => void seen.push([done, name]));
  const [rows, row] = [Math.floor(2 ** 23 / 6000), 6000];
  expect(seen).toEqual([
    [0, 'b'],
    [6, 'a'],
    [6 + rows * row, 'a'],
    [6 + 2048 * row, 'c'],
  ]);
  expect(valueBytes(source, names)).toBe(6 + 2048 * row + 2);
});

test.each([
  [0, 0],
  [1398, 0],
  [1397, 2999],
  [2047, 2999],
])('a value in row %d, column %d is named, whatever piece it is in', async (row, column) => {
  const source = await open(
    halves('a', [2048, 3000], (values) => {
      values[row * 3000 + column] = 0x7e00;
    }),
  );
  const checked = checkValues(source, new Set(['a']), () => {});
  await expect(checked).rejects.toThrow(InputError);
  await expect(checked).rejects.toThrow(
    `tensor a (F16, 2048 × 3000) has NaN in row ${row}, column ${column} (element ${row * 3000 + column}), which is no number`,
  );
});

test('one that f16 cannot hold says so, and what to do', async () => {
  const data = new Uint8Array(Float32Array.of(1, 2, -3e5).buffer);
  const source = await open({ name: 'norm', dtype: 'F32', shape: [3], data });
  await expect(checkValues(source, new Set(['norm']), () => {})).rejects.toThrow(
    /norm \(F32, 3\) has -300000 in element 2, and halves \(f16\).* end at 65504: .*clamp/,
  );
});

test('it stops when it is told to', async () => {
  const source = await open(halves('a', [4]), halves('b', [4]));
  const stopped = checkValues(source, new Set(['a', 'b']), (done) => {
    if (done > 0) throw new Error('stop');
  });
  await expect(stopped).rejects.toThrow('stop');
});
