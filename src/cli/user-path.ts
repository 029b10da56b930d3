import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** `~` alone or before a folder; a name may begin with it as well. */
const HOME = process.platform === 'win32' ? /^~(?=$|[/\\])/ : /^~(?=$|\/)/;

/**
 * A path that the user gave, absolute: relative ones start in `cwd`, and `~` is the home folder. Shells only put that in
 * where `~` stands first and unquoted, not in `--in_dir=~/model`.
 */
export const userPath = (cwd: string, path: string): string =>
  HOME.test(path) ? join(homedir(), path.slice(1)) : resolve(cwd, path);
