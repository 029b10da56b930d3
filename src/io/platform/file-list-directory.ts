import { InputError } from '../../util/errors.ts';
import type { ReadableDirectory } from '../bytes.ts';
import { pathSegments } from '../relative-path.ts';
import { fileSource } from './file-source.ts';
import { isListedPath } from './listed.ts';

/** A file of a folder that the browser gave as a list. */
export interface ListedFile {
  /** Relative to the folder, with '/'. */
  readonly path: string;
  readonly file: File;
}

/** The files of a folder chosen with `<input webkitdirectory>`, or of a dropped one. Throws InputError for bad paths. */
export function fileListDirectory(name: string, files: readonly ListedFile[]): ReadableDirectory {
  const byPath = new Map<string, File>();
  for (const { path, file } of files) {
    const key = pathSegments(path, name).join('/');
    if (byPath.has(key)) throw new InputError(`${name} has ${key} twice: choose one folder, and only once.`);
    byPath.set(key, file);
  }
  return {
    name,
    async list() {
      const entries = Array.from(byPath, ([path, { size }]) => ({ path, size }));
      return entries.filter(({ path }) => isListedPath(path)).sort((a, b) => (a.path < b.path ? -1 : 1));
    },
    async open(path) {
      const file = byPath.get(pathSegments(path, name).join('/'));
      return file && fileSource(file, `${name}/${path}`);
    },
  };
}
