import type { WritableDirectory } from '../bytes.ts';
import { pathSegments } from '../relative-path.ts';
import { handleDirectory } from './handle-directory.ts';
import { handleError, isMissing } from './handle-errors.ts';
import { syncSink } from './handle-sinks.ts';

/** The folder `path` in the browser's own storage (the origin private file system); for workers only. */
export const storageDirectory = async (path: string): Promise<WritableDirectory> =>
  handleDirectory(await navigator.storage.getDirectory(), path, syncSink);

/** Removes the folder `path` with all that is in it from the browser's storage; no error when it is not there. */
export async function removeStorage(path: string): Promise<void> {
  const segments = pathSegments(path, 'storage');
  const last = segments.pop()!;
  try {
    let folder = await navigator.storage.getDirectory();
    for (const segment of segments) folder = await folder.getDirectoryHandle(segment);
    await folder.removeEntry(last, { recursive: true });
  } catch (error) {
    if (!isMissing(error)) throw handleError(error, 'remove', path);
  }
}
