import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../../../util/errors.ts';
import type { ByteSource } from '../../bytes.ts';
import { fileError } from './node-errors.ts';
import { readExactly } from './positions.ts';

/** What identifies a file's contents: reads fail when it changes, instead of mixing two versions. */
export interface FileState {
  readonly size: number;
  readonly mtimeMs: number;
}

/**
 * A file on disk. Reads that overlap in time share one handle, opened by the first and closed after the last, so
 * a job with thousands of artefacts holds few handles and nobody has to close a source.
 */
export function nodeSource(path: string, state: FileState): ByteSource {
  let shared: Promise<FileHandle> | undefined;
  let readers = 0;

  const release = async (): Promise<void> => {
    if (--readers > 0) return;
    const handle = shared;
    shared = undefined;
    await (await handle?.catch(() => undefined))?.close();
  };

  const readInto = async (start: number, target: Uint8Array<ArrayBuffer>): Promise<void> => {
    readers++;
    shared ??= openUnchanged(path, state);
    try {
      await readExactly(await shared, path, start, target);
    } catch (error) {
      throw error instanceof InputError ? error : fileError(error, 'read', path);
    } finally {
      await release();
    }
  };

  return {
    name: path,
    size: state.size,
    readInto,
    async read(start, end) {
      const bytes = new Uint8Array(end - start);
      await readInto(start, bytes);
      return bytes;
    },
  };
}

async function openUnchanged(path: string, { size, mtimeMs }: FileState): Promise<FileHandle> {
  const handle = await open(path, 'r');
  const now = await handle.stat();
  if (now.size === size && now.mtimeMs === mtimeMs) return handle;
  await handle.close();
  throw new InputError(
    `${path} was changed while it was in use: let other programs finish, then run the job again.`,
  );
}
