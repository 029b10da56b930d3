import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import type { ReadableDirectory } from '../../bytes.ts';
import { isWeightsOrIndex } from '../../model/copied-files.ts';
import { type FoundFiles, filesBelow, nodeDirectory } from './node-directory.ts';
import { fileError } from './node-errors.ts';

/** A file as a cache of Hugging Face keeps it, under its SHA-1 or SHA-256. */
const CACHED_FILE = /(^|[\\/])(models|datasets|spaces)--[^\\/]+[\\/]blobs[\\/]([0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * A model's folder on disk, whose files may be published with what is made of it. Links are followed to where they are
 * the model's own: within the folder, and in a cache of Hugging Face, whose snapshots are made of links. Those to
 * weights are followed anywhere, as weights are never copied. All others count as missing.
 */
export function nodeModelDirectory(path: string): ReadableDirectory {
  const directory = nodeDirectory(path);

  /** Looks at all that is in the folder. */
  const look = async (): Promise<FoundFiles> => {
    try {
      const real = await realpath(path);
      return await filesBelow(path, (name, target, isFolder) => isOwn(real, name, target, isFolder));
    } catch (error) {
      throw fileError(error, 'read', path);
    }
  };

  return {
    name: directory.name,
    list: async () => (await look()).files,
    async open(name) {
      const source = await directory.open(name);
      if (!source) return undefined;
      const isFollowed = isOwn(await realpath(path), name, await realpath(join(path, name)), false);
      return isFollowed ? source : undefined;
    },
    otherLinks: async () => (await look()).otherLinks,
  };
}

/** Whether `name` in the model's folder may be followed to `target`; of folder and target the real paths. */
function isOwn(folder: string, name: string, target: string, isFolder: boolean): boolean {
  if (isBelow(folder, target)) return true;
  if (isFolder) return false;
  if (isWeightsOrIndex(name) || CACHED_FILE.test(target)) return true;
  // A snapshot's own cache, whatever that is called.
  return basename(dirname(folder)) === 'snapshots' && isBelow(join(folder, '../../blobs'), target);
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
