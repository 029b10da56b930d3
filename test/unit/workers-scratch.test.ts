import { expect, test } from 'vitest';
import { isOutOfSpace } from '../../src/io/platform/handle-errors.ts';
import { storageScratch } from '../../src/io/platform/storage/storage-scratch.ts';
import { InputError } from '../../src/util/errors.ts';
import { writtenAnywhere } from '../support/scratch.ts';

/** A folder of the browser's storage: one handle a file, `capacity` bytes a file, three bytes at most in one go. */
function storageFolder(capacity: number) {
  const files = new Map<string, { bytes: Uint8Array; open: boolean }>();
  const handleOf = (name: string) => ({
    name,
    async createSyncAccessHandle() {
      const file = files.get(name)!;
      file.open = true;
      return {
        read(target: Uint8Array, { at }: { at: number }) {
          const part = file.bytes.subarray(at, at + Math.min(3, target.length));
          target.set(part);
          return part.length;
        },
        write(bytes: Uint8Array, { at }: { at: number }) {
          const part = bytes.subarray(0, Math.min(3, Math.max(0, capacity - at)));
          const whole = new Uint8Array(Math.max(file.bytes.length, at + part.length));
          whole.set(file.bytes);
          whole.set(part, at);
          file.bytes = whole;
          return part.length;
        },
        close: () => {
          file.open = false;
        },
      };
    },
  });
  const folder = {
    async getFileHandle(name: string) {
      if (!files.has(name)) files.set(name, { bytes: new Uint8Array(0), open: false });
      return handleOf(name);
    },
    async *values() {
      for (const name of files.keys()) yield handleOf(name);
    },
    async removeEntry(name: string) {
      if (files.get(name)!.open) throw new DOMException('in use', 'NoModificationAllowedError');
      files.delete(name);
    },
  };
  const place = storageScratch(async () => folder as unknown as FileSystemDirectoryHandle, 'storage');
  return { place, files, folder };
}

test('one in the browser’s storage is written in parts, and gone when it is closed or cleared', async () => {
  const { place, files, folder } = storageFolder(100);
  const { read, expected } = await writtenAnywhere(place);
  expect(read).toEqual(expected);
  expect(files.size).toBe(0);
  for (const name of ['0.scratch.partial', 'job.json']) await folder.getFileHandle(name);
  await place.clear();
  expect([...files.keys()]).toEqual(['job.json']);
});

test('a disk that fills up is told as such', async () => {
  const { place } = storageFolder(5);
  const file = await place.open();
  await file.write(0, Uint8Array.of(1, 2, 3));
  const error: unknown = await file.write(3, Uint8Array.of(4, 5, 6)).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).toMatch(/^Cannot write storage\/.*: no space is left/);
  expect(isOutOfSpace(error)).toBe(true);
  await file.close();
});
