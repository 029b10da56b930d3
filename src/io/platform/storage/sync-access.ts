/** Files in the browser's own storage, read and written at once, anywhere; workers only have such handles. */

/** What only workers see of a file in the storage; and renaming, which TypeScript's types lack and browsers have. */
export type StoredHandle = FileSystemFileHandle & {
  createSyncAccessHandle?: () => Promise<SyncAccess>;
  move?: (name: string) => Promise<void>;
};

export interface SyncAccess {
  read(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  write(bytes: Uint8Array, options: { at: number }): number;
  flush(): void;
  close(): void;
}

/** Writes all of `bytes` and says how many: a disk that fills up meanwhile takes only a part of them at first. */
export function writeAll(file: SyncAccess, bytes: Uint8Array, at: number): number {
  for (let done = 0; done < bytes.length; ) {
    const taken = file.write(bytes.subarray(done), { at: at + done });
    if (taken === 0) throw new DOMException('The file takes no more bytes.', 'QuotaExceededError');
    done += taken;
  }
  return bytes.length;
}

/** A browser may hold the file's lock for a moment after it said that it has let go. */
const LOCK_TRIES = 20;
const LOCK_WAIT_MS = 50;

export async function removeWhenFree(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await folder.removeEntry(name);
    } catch (error) {
      if ((error as Error).name !== 'NoModificationAllowedError' || attempt === LOCK_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOCK_WAIT_MS));
    }
  }
}
