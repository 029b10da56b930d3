import { InputError } from '../../util/errors.ts';
import type { WritableDirectory } from '../bytes.ts';
import { pathSegments } from '../relative-path.ts';
import { handleDirectory } from './handle-directory.ts';
import { handleError, isMissing } from './handle-errors.ts';
import { syncSink } from './handle-sinks.ts';

/** The folder `path` in the browser's own storage (the origin private file system); for workers only. */
export const storageDirectory = async (path: string): Promise<WritableDirectory> =>
  handleDirectory(await storageRoot(), path, syncSink);

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
    let folder = await storageRoot();
    for (const segment of segments) folder = await folder.getDirectoryHandle(segment);
    await folder.removeEntry(last, { recursive: true });
  } catch (error) {
    if (!isMissing(error)) throw handleError(error, 'remove', path);
  }
}
