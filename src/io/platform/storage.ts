import { InputError } from '../../util/errors.ts';
import type { WritableDirectory } from '../bytes.ts';
import { pathSegments } from '../relative-path.ts';
import { handleDirectory } from './handle-directory.ts';
import { handleError, isMissing } from './handle-errors.ts';
import { syncSink } from './handle-sinks.ts';
import { storageScratch } from './storage-scratch.ts';

/** The folder `path` in the browser's own storage (the origin private file system); for workers only. */
export async function storageDirectory(path: string): Promise<WritableDirectory> {
  const root = await storageRoot();
  const directory = handleDirectory(root, path, syncSink);
  // Older browsers have none of these handles.
  if (!('createSyncAccessHandle' in FileSystemFileHandle.prototype)) return directory;
  const openFolder = (create: boolean) => storedFolder(root, pathSegments(path, 'storage'), create);
  return { ...directory, scratch: storageScratch(openFolder, directory.name) };
}

/** The browser's own storage. Throws InputError where the page gets none. */
export async function storageRoot(): Promise<FileSystemDirectoryHandle> {
  try {
    return await navigator.storage.getDirectory();
  } catch (error) {
    if ((error as Error).name !== 'SecurityError') throw error;
    throw new InputError(
      'The browser gives this page no storage of its own, as in private windows: open it in an ordinary window.',
      { cause: error },
    );
  }
}

/** Removes the folder `path` with all that is in it from the browser's storage; no error when it is not there. */
export async function removeStorage(path: string): Promise<void> {
  const segments = pathSegments(path, 'storage');
  const last = segments.pop()!;
  try {
    const folder = await storedFolder(await storageRoot(), segments, false);
    await folder.removeEntry(last, { recursive: true });
  } catch (error) {
    if (!isMissing(error)) throw handleError(error, 'remove', path);
  }
}

async function storedFolder(
  root: FileSystemDirectoryHandle,
  segments: readonly string[],
  create: boolean,
): Promise<FileSystemDirectoryHandle> {
  let folder = root;
  for (const segment of segments) folder = await folder.getDirectoryHandle(segment, { create });
  return folder;
}
