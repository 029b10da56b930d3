import { assert } from '../../util/errors.ts';
import type { ByteSink } from '../bytes.ts';
import { handleError } from './handle-errors.ts';
import { PARTIAL } from './partial.ts';
import { removeWhenFree, type StoredHandle, writeAll } from './storage/sync-access.ts';

/** Starts the file `name` in `folder`; `path` names it in messages. */
export type OpenSink = (folder: FileSystemDirectoryHandle, name: string, path: string) => Promise<ByteSink>;

/**
 * A file in a folder of the user's: one pass front to back into a file beside it, which takes its place when it is
 * closed. The browser shows an empty file meanwhile; `abort` takes it away again if it was not there before.
 */
export const writableSink: OpenSink = async (folder, name, path) => {
  const isNew = !(await exists(folder, name));
  const handle = await folder.getFileHandle(name, { create: true });
  return guarded(path, await handle.createWritable(), {
    write: (stream, bytes) => stream.write(bytes as Uint8Array<ArrayBuffer>),
    close: (stream) => stream.close(),
    async abort(stream) {
      await stream.abort();
      if (isNew) await removeWhenFree(folder, name);
    },
  });
};

/**
 * A file in the browser's own storage, written as `<name>.partial` through the synchronous handle that only workers
 * have (over ten times as fast as a stream), flushed and then renamed: a crash leaves no half file.
 */
export const syncSink: OpenSink = async (folder, name, path) => {
  const partial: StoredHandle = await folder.getFileHandle(name + PARTIAL, { create: true });
  if (!partial.move || !partial.createSyncAccessHandle) {
    await folder.removeEntry(partial.name);
    return writableSink(folder, name, path);
  }
  const access = await partial.createSyncAccessHandle();
  access.truncate(0); // left by a crash
  let at = 0;
  return guarded(path, access, {
    async write(file, bytes) {
      at += writeAll(file, bytes, at);
    },
    async close(file) {
      file.flush();
      file.close();
      await partial.move!(name);
    },
    async abort(file) {
      file.close();
      await folder.removeEntry(partial.name);
    },
  });
};

interface SinkSteps<T> {
  write(target: T, bytes: Uint8Array): Promise<void>;
  close(target: T): Promise<void>;
  abort(target: T): Promise<void>;
}

/** A sink of these steps that explains what goes wrong, and takes nothing after its end. */
function guarded<T>(path: string, target: T, steps: SinkSteps<T>): ByteSink {
  let open = true;
  const attempt = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      throw handleError(error, 'write', path);
    }
  };
  return {
    async write(bytes) {
      assert(open, `write to ${path} after its end`);
      await attempt(steps.write(target, bytes));
    },
    async close() {
      assert(open, `second close of ${path}`);
      await attempt(steps.close(target));
      open = false;
    },
    async abort() {
      if (!open) return;
      open = false;
      await attempt(steps.abort(target));
    },
  };
}

async function exists(folder: FileSystemDirectoryHandle, name: string): Promise<boolean> {
  try {
    await folder.getFileHandle(name);
    return true;
  } catch (error) {
    if ((error as Error).name === 'NotFoundError') return false;
    throw error;
  }
}
