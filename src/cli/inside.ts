import { realpath } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';

/** The path of `file` in `folder` with '/', as links lead there; undefined when it lies elsewhere. */
export async function pathInside(folder: string, file: string): Promise<string | undefined> {
  const path = relative(await realPath(folder), await realPath(file));
  const segments = path.split(sep);
  // Another drive on Windows gives an absolute path.
  const isOutside = path === '' || segments[0] === '..' || resolve(path) === path;
  return isOutside ? undefined : segments.join('/');
}

/** What is not there has no links. */
const realPath = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));
