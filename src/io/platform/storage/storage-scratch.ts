import type { ScratchFile, ScratchPlace } from '../../bytes.ts';
import { handleError, isMissing } from '../handle-errors.ts';
import { isScratch, scratchName } from '../partial.ts';
import { removeWhenFree, type StoredHandle, type SyncAccess, writeAll } from './sync-access.ts';

/**
 * Scratch files in a folder of the browser's own storage.
 * @param openFolder the folder; made first, if it is to be; `name` is the folder's for messages.
 */
export const storageScratch = (
  openFolder: (create: boolean) => Promise<FileSystemDirectoryHandle>,
  name: string,
): ScratchPlace => ({
  async open() {
    try {
      const folder = await openFolder(true);
      const handle: StoredHandle = await folder.getFileHandle(scratchName(), { create: true });
      return scratchFile(
        folder,
        handle.name,
        `${name}/${handle.name}`,
        await handle.createSyncAccessHandle!(),
      );
    } catch (error) {
      throw handleError(error, 'write', name);
    }
  },
  async clear() {
    try {
      const folder = await openFolder(false);
      const names: string[] = [];
      for await (const entry of folder.values()) if (isScratch(entry.name)) names.push(entry.name);
      for (const each of names) await removeWhenFree(folder, each);
    } catch (error) {
      if (!isMissing(error)) throw handleError(error, 'remove scratch files of', name);
    }
  },
});

function scratchFile(
  folder: FileSystemDirectoryHandle,
  name: string,
  path: string,
  access: SyncAccess,
): ScratchFile {
  const attempt = <T>(action: 'read' | 'write', work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw handleError(error, action, path);
    }
  };
  return {
    readInto: async (start, target) => attempt('read', () => readAll(access, target, start)),
    write: async (start, bytes) => void attempt('write', () => writeAll(access, bytes, start)),
    async close() {
      access.close();
      await removeWhenFree(folder, name).catch((error: unknown) => {
        throw handleError(error, 'remove', path);
      });
    },
  };
}

function readAll(access: SyncAccess, target: Uint8Array, start: number): void {
  for (let done = 0; done < target.length; ) {
    const taken = access.read(target.subarray(done), { at: start + done });
    if (taken === 0) throw new Error(`it ends at byte ${start + done}`);
    done += taken;
  }
}
