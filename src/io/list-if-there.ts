import { InputError } from '../util/errors.ts';
import type { FileEntry, ReadableDirectory } from './bytes.ts';

/** All files of a directory; none where it does not exist yet, which is as good as empty. */
export async function listIfThere(directory: ReadableDirectory): Promise<FileEntry[]> {
  try {
    return await directory.list();
  } catch (error) {
    if (error instanceof InputError && isMissing(error)) return [];
    throw error;
  }
}

/** By what Node and browsers call it. Any other error may hide files of the user's. */
function isMissing({ cause }: InputError): boolean {
  const { code, name } = (cause ?? {}) as { code?: unknown; name?: unknown };
  return code === 'ENOENT' || name === 'NotFoundError';
}
