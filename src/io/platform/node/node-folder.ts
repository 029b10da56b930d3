import { mkdir, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it.
 * @returns removes those of them that were new, as far as nothing is in them.
 */
export async function makeFolder(path: string): Promise<() => Promise<void>> {
  const first = await mkdir(path, { recursive: true });
  return async () => {
    if (first === undefined) return;
    try {
      for (let folder = path; folder.length >= first.length; folder = dirname(folder)) await rmdir(folder);
    } catch {
      // It holds something, or has gone already.
    }
  };
}
