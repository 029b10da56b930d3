/** Reads and writes that a system may do in parts. */

import type { FileHandle } from 'node:fs/promises';
import { InputError } from '../../../util/errors.ts';

/** Fills `bytes` with those of a file from `start` on; throws InputError when it ends before. */
export async function readExactly(
  handle: FileHandle,
  path: string,
  start: number,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) {
      throw new InputError(`${path} ends at byte ${start + filled}; expected ${start + bytes.length}.`);
    }
    filled += bytesRead;
  }
}

/** Writes all of `bytes`: from `start` on, or where the last write has ended. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, start?: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const at = start === undefined ? null : start + done;
    done += (await handle.write(bytes, done, bytes.length - done, at)).bytesWritten;
  }
}
