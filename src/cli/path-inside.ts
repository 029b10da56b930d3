import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';

/** The path of `file` in `folder` with '/', as links lead there; undefined when it lies elsewhere. */
export const pathInside = (folder: string, file: string): string | undefined =>
  pathBelow(realPath(folder), realPath(file)) || undefined;

/** As {@link pathInside}, but by the names alone, and '' for the same. */
export function pathBelow(outer: string, inner: string): string | undefined {
  const path = relative(outer, inner);
  const segments = path.split(sep);
  // Another drive on Windows gives an absolute path.
  const isOutside = segments[0] === '..' || (path !== '' && resolve(path) === path);
  return isOutside ? undefined : segments.join('/');
}

/** Where an absolute path leads, by the names on the disk; what does not exist yet keeps the names given. */
export function realPath(path: string): string {
  try {
    // The system's own also gives upper and lower case as on the disk.
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}
