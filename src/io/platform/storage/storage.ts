import { InputError } from '../../../util/errors.ts';
import type { WritableDirectory } from '../../bytes.ts';
import { pathSegments } from '../../relative-path.ts';
import { handleDirectory } from '../handle-directory.ts';
import { handleError, isMissing } from '../handle-errors.ts';
import { syncSink } from '../handle-sinks.ts';
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
    throw isRefusal(error) ? storageRefused(error) : error;
  }
}

/** Whether a browser said of its storage, files or database, that the page may have none. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'SecurityError' || /denied permission/.test(error.message));

/** Pages are not told which of the two it is. */
export const storageRefused = (cause: unknown): InputError =>
  new InputError(
    'The browser lets this page keep nothing, and conversions keep there what they have finished. Either its settings ' +
      'forbid site data, for all sites or for this one: allow it, then reload the page. Or this is a private window ' +
      'of a browser that has no storage there: open the page in an ordinary window.',
    { cause },
  );

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
