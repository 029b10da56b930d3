/** Lets the tests use the browser's directories as the workers do. */

import { expose } from 'comlink';
import { handleDirectory } from '../../../src/io/platform/handle-directory.ts';
import { removeStorage, storageDirectory } from '../../../src/io/platform/storage/storage.ts';

/** A folder of the user's, or one in the browser's storage. */
export type Place =
  | { readonly handle: FileSystemDirectoryHandle; readonly path?: string }
  | { readonly path: string };

const open = async (place: Place) =>
  'handle' in place ? handleDirectory(place.handle, place.path) : storageDirectory(place.path);

export const storage = {
  async list(place: Place) {
    return (await open(place)).list();
  },

  /** The bytes [start, end) as text, or undefined. */
  async read(place: Place, path: string, start = 0, end?: number) {
    const source = await (await open(place)).open(path);
    return source && new TextDecoder().decode(await source.read(start, end ?? source.size));
  },

  async write(place: Place, path: string, parts: readonly string[], end: 'close' | 'abort' | 'leave') {
    const sink = await (await open(place)).create(path);
    for (const part of parts) await sink.write(new TextEncoder().encode(part));
    if (end !== 'leave') await sink[end]();
  },

  async remove(place: Place, path: string) {
    await (await open(place)).remove(path);
  },

  removeStorage,

  /** What happens to a file that was opened when it changes before it is read. */
  async readStale(place: Place, path: string) {
    const directory = await open(place);
    const source = await directory.open(path);
    const sink = await directory.create(path);
    await sink.write(new TextEncoder().encode('changed, and longer than before'));
    await sink.close();
    return new TextDecoder().decode(await source!.read(0, source!.size));
  },
};

expose(storage);
