import { PARTIAL } from './partial.ts';

/** What macOS and Windows leave in any folder that they show. */
const LITTER: ReadonlySet<string> = new Set(['.DS_Store', 'Thumbs.db', 'desktop.ini']);

/**
 * Whether a file of this name is the user's, or a program's finished one: not half written, nor left by the system. On
 * exFAT and network disks macOS writes what it knows of `x` into a file `._x` (AppleDouble), which is no other `x`.
 */
export const isListed = (name: string): boolean =>
  !name.endsWith(PARTIAL) && !name.startsWith('._') && !LITTER.has(name);

export const isListedPath = (path: string): boolean => isListed(path.slice(path.lastIndexOf('/') + 1));
