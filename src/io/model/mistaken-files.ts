import { InputError } from '../../util/errors.ts';
import type { ByteSource } from '../bytes.ts';

interface Mistake {
  readonly start: RegExp;
  readonly advice: string;
}

const POINTER: Mistake = {
  start: /^version https:\/\/git-lfs/,
  advice:
    'is a git-lfs pointer, not the file itself: run "git lfs pull" in its folder, or download the file itself.',
};

/** What people have in place of a file, by its first bytes, and what to do about it. */
const MISTAKEN: readonly Mistake[] = [
  POINTER,
  {
    start: /^\s*<(!doctype|html|head|\?xml)/i,
    advice: 'is a web page, not the file itself (often an error page or a login): download the file again.',
  },
  {
    start: /^(\s*\{\s*"error"|(Entry|Repository|Invalid|Access|Not) )/i,
    advice: 'is an error message of the server, not the file itself: download the file again.',
  },
  { start: /^GGUF/, advice: 'is a GGUF file under a wrong name: get the original safetensors model.' },
  {
    start: /^PK\W\W/,
    advice:
      'is a ZIP archive or a PyTorch file under a wrong name: get the safetensors version of the model.',
  },
];

const FIRST_BYTES = 64;

/** Why a file that starts with these bytes is not what it should be: the end of a sentence that starts with its name. */
export const mistakenFile = (firstBytes: Uint8Array): string | undefined =>
  MISTAKEN.find(({ start }) => start.test(textOf(firstBytes)))?.advice;

/** A pointer is at most this long, by the specification of git-lfs. */
export const MAX_POINTER_BYTES = 1024;

/** Whether the file is a git-lfs pointer; reads small files only. */
export async function isPointer(source: ByteSource): Promise<boolean> {
  return source.size <= MAX_POINTER_BYTES && POINTER.start.test(textOf(await firstBytesOf(source)));
}

/** Throws InputError when there is a git-lfs pointer in place of the file. */
export async function refusePointer(source: ByteSource): Promise<void> {
  if (await isPointer(source)) throw new InputError(`${source.name} ${POINTER.advice}`);
}

/** As many as {@link mistakenFile} looks at, or all of a shorter file. */
export const firstBytesOf = (source: ByteSource): Promise<Uint8Array<ArrayBuffer>> =>
  source.read(0, Math.min(source.size, FIRST_BYTES));

const textOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, FIRST_BYTES));
