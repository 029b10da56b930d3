import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { assert } from '../../../util/errors.ts';
import type { ByteSink } from '../../bytes.ts';
import { PARTIAL } from '../partial.ts';
import { fileError } from './node-errors.ts';
import { makeFolder } from './node-folder.ts';
import { writeAll } from './positions.ts';

/**
 * A file on disk, written as `<path>.partial`, flushed to the disk and then renamed: a crash leaves no half file. One
 * that is aborted leaves no folder that was made for it.
 */
export async function nodeSink(path: string): Promise<ByteSink> {
  const partial = path + PARTIAL;
  const attempt = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      throw fileError(error, 'write', path);
    }
  };

  const removeFolder = await attempt(() => makeFolder(dirname(path)));
  let handle: FileHandle | undefined = await attempt(async () => {
    await rm(partial, { force: true }); // left by a crash; a link must not be followed either
    return open(partial, 'wx');
  });

  return {
    async write(bytes) {
      const file = handle;
      assert(file, `write to ${path} after its end`);
      await attempt(() => writeAll(file, bytes));
    },
    async close() {
      const file = handle;
      assert(file, `second close of ${path}`);
      await attempt(async () => {
        await file.sync();
        await file.close();
        handle = undefined;
        await rename(partial, path);
      });
    },
    async abort() {
      const file = handle;
      handle = undefined;
      try {
        await file?.close();
      } finally {
        await rm(partial, { force: true });
        await removeFolder();
      }
    },
  };
}
