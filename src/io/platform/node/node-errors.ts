import { InputError } from '../../../util/errors.ts';

/** What to do about each system error that users meet. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space or choose a folder on another disk, then run the job again',
  EDQUOT:
    'your disk quota is used up; free some space or choose a folder on another disk, then run the job again',
  EFBIG: 'the file system does not take files this large (FAT32 ends at 4 GiB); ask for smaller shards',
  EACCES: 'permission denied; change the permissions of the folder or choose another one',
  EPERM: 'permission denied; change the permissions of the folder or choose another one',
  EROFS: 'the file system is read-only; choose another folder',
  ENOENT: 'there is no such file or folder; check the path',
  ENOTDIR: 'a part of the path is a file, not a folder; check the path',
  EISDIR: 'a folder of that name is in the way; remove it or choose another path',
  EMFILE: 'too many files are open; raise the limit (ulimit -n)',
  EIO: 'the disk reports an error; check it or choose another one',
};

/** The InputError for a failed file operation: `action` ("write") and `path` say what and where. */
export function fileError(error: unknown, action: string, path: string): InputError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const reason = Object.hasOwn(ADVICE, code) ? `${ADVICE[code]} (${code})` : message;
  return new InputError(`Cannot ${action} ${path}: ${reason}.`, { cause: error });
}

export const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
