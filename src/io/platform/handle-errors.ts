import { InputError } from '../../util/errors.ts';

/** What to do about each error of the browser's file system that users meet. */
const ADVICE: Readonly<Record<string, string>> = {
  NotAllowedError:
    'the browser does not permit it (any more); give the permission again, or choose the folder again',
  SecurityError: 'the browser does not permit this folder; choose another one',
  NotFoundError:
    'it was moved, renamed or deleted meanwhile; put it back or choose the folder again, then go on',
  NotReadableError:
    'it was changed or taken away while it was in use; let other programs finish, then start again',
  QuotaExceededError: 'no space is left; free some, or choose a folder on another disk, then go on',
  NoModificationAllowedError:
    'another tab or program is writing it; close that one and wait a moment, then go on',
  InvalidModificationError: 'a file or folder of that name is in the way; remove it or choose another folder',
  TypeMismatchError: 'a folder of that name is in the way; remove it or choose another folder',
};

/** The InputError for a failed file operation in a browser: `action` ("write") and `path` say what and where. */
export function handleError(error: unknown, action: string, path: string): Error {
  if (error instanceof InputError) return error;
  const { name, message } = error as Error;
  const reason = Object.hasOwn(ADVICE, name) ? `${ADVICE[name]} (${name})` : message;
  return new InputError(`Cannot ${action} ${path}: ${reason}.`, { cause: error });
}

/** Whether there is no file or folder of that name; a folder in place of a file (or the reverse) is none either. */
export const isMissing = (error: unknown): boolean =>
  ['NotFoundError', 'TypeMismatchError'].includes((error as Error).name);

/** Whether an error, or what caused it, is that the disk or the browser's share of it is full. */
export const isOutOfSpace = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'QuotaExceededError' || isOutOfSpace(error.cause));
