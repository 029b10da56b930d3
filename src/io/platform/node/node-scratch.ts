import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ScratchFile, ScratchPlace } from '../../bytes.ts';
import { isScratch, scratchName } from '../partial.ts';
import { fileError, isMissing } from './node-errors.ts';
import { makeFolder } from './node-folder.ts';
import { readExactly, writeAll } from './positions.ts';

/** Scratch files in a folder, which need not be there before. */
export const nodeScratch = (folder: string): ScratchPlace => ({
  open: () => openScratch(join(folder, scratchName())),
  async clear() {
    try {
      const names = await readdir(folder);
      for (const name of names.filter(isScratch)) await rm(join(folder, name), { force: true });
    } catch (error) {
      if (!isMissing(error)) throw fileError(error, 'remove scratch files of', folder);
    }
  },
});

async function openScratch(path: string): Promise<ScratchFile> {
  const attempt = async <T>(action: 'read' | 'write', work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw fileError(error, action, path);
    }
  };
  const removeFolder = await attempt('write', () => makeFolder(dirname(path)));
  const handle: FileHandle = await attempt('write', () => open(path, 'wx+'));
  // An open file needs no name: whatever ends this process, the system takes its space back. Where a system keeps the
  // name until the file is closed, it is removed then, or by `clear`.
  await rm(path, { force: true }).catch(() => {});
  return {
    readInto: (start, target) => attempt('read', () => readExactly(handle, path, start, target)),
    write: (start, bytes) => attempt('write', () => writeAll(handle, bytes, start)),
    async close() {
      await attempt('write', () => handle.close());
      await rm(path, { force: true }).catch(() => {});
      await removeFolder();
    },
  };
}
