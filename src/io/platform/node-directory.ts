import { readdir, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileEntry, WritableDirectory } from '../bytes.ts';
import { pathSegments } from '../relative-path.ts';
import { isListed } from './listed.ts';
import { fileError, isMissing } from './node-errors.ts';
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
        const files = await listBelow(path, '', []);
        return files.sort((a, b) => (a.path < b.path ? -1 : 1));
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
  };
}

/** The files of `folder`, with `prefix` before their names; `above` are the folders it lies in, against loops. */
async function listBelow(folder: string, prefix: string, above: readonly string[]): Promise<FileEntry[]> {
  const real = await realpath(folder);
  if (above.includes(real)) return [];
  const files: FileEntry[] = [];
  for (const name of await readdir(folder)) {
    const state = await stat(join(folder, name)).catch(() => undefined); // a link to nothing is no file
    if (state?.isDirectory()) {
      files.push(...(await listBelow(join(folder, name), `${prefix}${name}/`, [...above, real])));
    } else if (state?.isFile() && isListed(name)) {
      files.push({ path: prefix + name, size: state.size });
    }
  }
  return files;
}
