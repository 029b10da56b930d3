import { readdir, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileEntry, WritableDirectory } from '../../bytes.ts';
import { pathSegments } from '../../relative-path.ts';
import { isListed } from '../listed.ts';
import { fileError, isMissing } from './node-errors.ts';
import { nodeScratch } from './node-scratch.ts';
import { nodeSink } from './node-sink.ts';
import { nodeSource } from './node-source.ts';

/**
 * A folder on disk. Symbolic links are followed, as the caches of Hugging Face are made of them. The folder need
 * not exist before the first `create`; `list` of a missing one throws InputError.
 */
export function nodeDirectory(path: string): WritableDirectory {
  const resolve = (relative: string): string => join(path, ...pathSegments(relative, path));

  return {
    name: path,
    async list() {
      try {
        return (await filesBelow(path)).files;
      } catch (error) {
        throw fileError(error, 'read', path);
      }
    },
    async open(relative) {
      const file = resolve(relative);
      try {
        const state = await stat(file);
        return state.isFile() ? nodeSource(file, state) : undefined;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw fileError(error, 'read', file);
      }
    },
    create: async (relative) => nodeSink(resolve(relative)),
    async remove(relative) {
      const file = resolve(relative);
      try {
        await rm(file, { force: true });
      } catch (error) {
        throw fileError(error, 'remove', file);
      }
    },
    scratch: nodeScratch(path),
  };
}

/** What is below a folder, sorted by path. */
export interface FoundFiles {
  readonly files: FileEntry[];
  /** Links that were not followed. */
  readonly otherLinks: string[];
}

/** Whether to follow the link `path`, relative to the folder that is looked at, to the file or folder `target`. */
type IsFollowed = (path: string, target: string, isFolder: boolean) => boolean;

export async function filesBelow(folder: string, isFollowed: IsFollowed = () => true): Promise<FoundFiles> {
  const found: FoundFiles = { files: [], otherLinks: [] };
  await addBelow(found, folder, '', [], isFollowed);
  found.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return found;
}

/** Adds what is in `folder`, with `prefix` before its name; `above` are the folders it lies in, against loops. */
async function addBelow(
  found: FoundFiles,
  folder: string,
  prefix: string,
  above: readonly string[],
  isFollowed: IsFollowed,
): Promise<void> {
  const real = await realpath(folder);
  if (above.includes(real)) return;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = prefix + entry.name;
    const place = join(folder, entry.name);
    const state = await stat(place).catch(() => undefined); // a link to nothing is no file
    if (!state) continue;
    const isFolder = state.isDirectory();
    const isOther = entry.isSymbolicLink() && !isFollowed(path, await realpath(place), isFolder);
    if (isOther) found.otherLinks.push(path);
    else if (isFolder) await addBelow(found, place, `${path}/`, [...above, real], isFollowed);
    else if (state.isFile() && isListed(entry.name)) found.files.push({ path, size: state.size });
  }
}
