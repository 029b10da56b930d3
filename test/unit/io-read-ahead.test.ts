import { expect, test } from 'vitest';
import { readAhead } from '../../src/io/model/read-ahead.ts';
import type { TensorSource } from '../../src/io/model/tensor-source.ts';
import type { HostTensor } from '../../src/tensor/dtype.ts';
import { InputError } from '../../src/util/errors.ts';

/** Tensors (4, 2) of bytes 0…7, plus 10 for each; `reads` lists what was read of the files. */
function countedSource() {
  const reads: string[] = [];
  const tensor = (name: string): HostTensor => {
    if (name === 'broken') throw new InputError('the file ends in broken');
    return {
      name,
      dtype: 'U8',
      shape: [4, 2],
      data: Uint8Array.from({ length: 8 }, (_, i) => i + Number(name) * 10),
    };
  };
  const source = {
    requireInfo: (name: string) => ({ name, dtype: 'U8', shape: [4, 2] }),
    read: async (name: string, target?: Uint8Array) => {
      reads.push(name);
      const whole = tensor(name);
      target?.set(whole.data);
      return target ? { ...whole, data: target } : whole;
    },
    readRows: async (name: string, start: number, end: number) => {
      reads.push(`${name} ${start}-${end}`);
      const whole = tensor(name);
      return { ...whole, shape: [end - start, 2], data: whole.data.subarray(start * 2, end * 2) };
    },
  } as unknown as TensorSource;
  return { source, reads };
}

test('rows of a fetched tensor come from memory, as the file would give them', async () => {
  const { source, reads } = countedSource();
  const ahead = readAhead(source);
  ahead.fetch(['1', '2']);
  expect(await ahead.source.readRows('2', 1, 3)).toEqual(await source.readRows('2', 1, 3));
  expect(await ahead.source.readRows('2', 3, 4)).toMatchObject({
    shape: [1, 2],
    data: Uint8Array.of(26, 27),
  });
  expect(await ahead.source.read('1')).toEqual(await source.read('1'));
  expect(reads).toEqual(['1', '2', '2 1-3', '1']);
});

test('the last two fetches are kept, older ones are dropped', async () => {
  const { source, reads } = countedSource();
  const ahead = readAhead(source);
  for (const name of ['1', '2', '3']) ahead.fetch([name]);
  for (const name of ['1', '2', '3']) await ahead.source.readRows(name, 0, 1);
  expect(reads).toEqual(['1', '2', '3', '1 0-1']);
});

test('the memory of what is dropped takes what is read next, that of what is kept does not', async () => {
  const ahead = readAhead(countedSource().source);
  const buffers: unknown[] = [];
  for (const name of ['1', '2', '3', '4']) {
    ahead.fetch([name]);
    const { data } = await ahead.source.read(name);
    expect(data).toEqual(Uint8Array.from({ length: 8 }, (_, i) => i + Number(name) * 10));
    buffers.push(data.buffer);
  }
  expect(new Set(buffers.slice(0, 2)).size).toBe(2);
  expect(buffers.slice(2)).toEqual(buffers.slice(0, 2));
});

test('a read that failed ahead fails where the tensor is needed, and only there', async () => {
  const ahead = readAhead(countedSource().source);
  ahead.fetch(['broken', '1']);
  expect((await ahead.source.readRows('1', 0, 1)).data).toEqual(Uint8Array.of(10, 11));
  await expect(ahead.source.readRows('broken', 0, 1)).rejects.toThrow('the file ends in broken');
});
