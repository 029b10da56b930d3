import { InputError } from '../../util/errors.ts';
import type { ByteSource } from '../bytes.ts';
import { handleError } from './handle-errors.ts';

/** A browser's File: only the slices asked for are read, and a read fails when the file has changed since. */
export function fileSource(file: Blob, name: string): ByteSource {
  return {
    name,
    size: file.size,
    async read(start, end) {
      if (end > file.size) throw new InputError(`${name} ends at byte ${file.size}; expected ${end}.`);
      try {
        return new Uint8Array(await file.slice(start, end).arrayBuffer());
      } catch (error) {
        throw handleError(error, 'read', name);
      }
    },
  };
}
