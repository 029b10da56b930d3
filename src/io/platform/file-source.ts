import { InputError } from '../../util/errors.ts';
import { resultWithin } from '../../util/until-end.ts';
import type { ByteSource } from '../bytes.ts';
import { handleError } from './handle-errors.ts';

/**
 * A read that has given nothing by then is asked for once more: on a busy machine Firefox now and then never answers.
 * Each next time it has twice as long, as a disk may be slow.
 */
export const READ_LIMIT_MS = 10_000;

/** A browser's File: only the slices asked for are read, and a read fails when the file has changed since. */
export function fileSource(file: Blob, name: string): ByteSource {
  return {
    name,
    size: file.size,
    async read(start, end) {
      if (end > file.size) throw new InputError(`${name} ends at byte ${file.size}; expected ${end}.`);
      try {
        return new Uint8Array(await readSlice(file.slice(start, end)));
      } catch (error) {
        throw handleError(error, 'read', name);
      }
    },
  };
}

async function readSlice(slice: Blob): Promise<ArrayBuffer> {
  const asked: Promise<ArrayBuffer>[] = [];
  for (let limit = READ_LIMIT_MS; ; limit *= 2) {
    asked.push(slice.arrayBuffer());
    const first = await resultWithin(limit, Promise.race(asked));
    if (first) return first;
  }
}
