import { InputError } from '../util/errors.ts';

/**
 * The names in a path relative to a directory. Every adapter resolves paths through this, so that none reads or
 * writes outside its directory.
 *
 * @throws InputError for anything but names joined by '/': absolute paths, '.', '..', empty names, '\\', NUL.
 */
export function pathSegments(path: string, directory: string): string[] {
  const segments = path.split('/');
  const harmless = segments.every((name) => name !== '' && name !== '.' && name !== '..');
  // A backslash or a drive letter would be a path of its own on Windows.
  if (!harmless || /[\\\0]|^[A-Za-z]:/.test(path)) {
    throw new InputError(
      `${JSON.stringify(path)} is not a path inside ${directory}: use names joined by '/', without '..' or a leading '/'.`,
    );
  }
  return segments;
}
