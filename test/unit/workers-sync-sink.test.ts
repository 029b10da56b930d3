import { expect, test } from 'vitest';
import { isOutOfSpace } from '../../src/io/platform/handle-errors.ts';
import { syncSink } from '../../src/io/platform/handle-sinks.ts';
import { InputError } from '../../src/util/errors.ts';

/** A folder whose files take `atOnce` bytes in one write and `capacity` in all. */
function folderOf(atOnce: number, capacity: number) {
  const files = new Map<string, number[]>();
  const getFileHandle = async (name: string) => ({
    name,
    createSyncAccessHandle: async () => {
      const contents: number[] = [];
      files.set(name, contents);
      return {
        truncate: () => {},
        write(bytes: Uint8Array, { at }: { at: number }) {
          const taken = bytes.subarray(0, Math.min(atOnce, capacity - at));
          taken.forEach((byte, i) => {
            contents[at + i] = byte;
          });
          return taken.length;
        },
        flush: () => {},
        close: () => {},
      };
    },
    async move(to: string) {
      files.set(to, files.get(name)!);
      files.delete(name);
    },
  });
  const removeEntry = async (name: string) => void files.delete(name);
  return { files, folder: { getFileHandle, removeEntry } as unknown as FileSystemDirectoryHandle };
}

test('what is written in parts is whole', async () => {
  const { files, folder } = folderOf(3, 100);
  const sink = await syncSink(folder, 'a', 'storage/a');
  await sink.write(Uint8Array.of(1, 2, 3, 4, 5, 6, 7));
  await sink.write(new Uint8Array(0));
  await sink.write(Uint8Array.of(8, 9));
  await sink.close();
  expect(Object.fromEntries(files)).toEqual({ a: [1, 2, 3, 4, 5, 6, 7, 8, 9] });
});

test('a disk that fills up in the middle of a write is told, and leaves no file', async () => {
  const { files, folder } = folderOf(100, 5);
  const sink = await syncSink(folder, 'a', 'storage/a');
  await sink.write(Uint8Array.of(1, 2, 3));
  const error: unknown = await sink.write(Uint8Array.of(4, 5, 6)).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).toMatch(/^Cannot write storage\/a: no space is left/);
  expect(isOutOfSpace(error)).toBe(true);
  await sink.abort();
  expect(files.size).toBe(0);
});
