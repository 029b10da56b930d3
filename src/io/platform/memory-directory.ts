import { assert, InputError } from '../../util/errors.ts';
import type { ByteSink, ByteSource, WritableDirectory } from '../bytes.ts';
import { pathSegments } from '../relative-path.ts';
import { isListedPath } from './listed.ts';

/** A directory in memory, for tests and small things; `files` are its first contents (text as UTF-8). */
export function memoryDirectory(
  name = 'memory',
  files: Readonly<Record<string, Uint8Array | string>> = {},
): WritableDirectory {
  const contents = new Map<string, Uint8Array>();
  for (const [path, data] of Object.entries(files)) {
    contents.set(check(path), typeof data === 'string' ? new TextEncoder().encode(data) : data.slice());
  }
  function check(path: string): string {
    return pathSegments(path, name).join('/');
  }

  return {
    name,
    async list() {
      const entries = Array.from(contents, ([path, data]) => ({ path, size: data.length }));
      return entries.filter(({ path }) => isListedPath(path)).sort((a, b) => (a.path < b.path ? -1 : 1));
    },
    async open(path) {
      const data = contents.get(check(path));
      return data && memorySource(data, `${name}/${path}`);
    },
    async create(path) {
      const place = check(path);
      return memorySink((data) => contents.set(place, data), `${name}/${path}`);
    },
    async remove(path) {
      contents.delete(check(path));
    },
  };
}

/** The bytes of `data` as a file; `name` stands in messages. */
export function memorySource(data: Uint8Array, name: string): ByteSource {
  return {
    name,
    size: data.length,
    async read(start, end) {
      if (end > data.length) throw new InputError(`${name} ends at byte ${data.length}; expected ${end}.`);
      return new Uint8Array(data.subarray(start, end));
    },
  };
}

function memorySink(commit: (data: Uint8Array) => void, name: string): ByteSink {
  let pieces: Uint8Array[] | undefined = [];
  return {
    async write(bytes) {
      assert(pieces, `write to ${name} after its end`);
      pieces.push(bytes.slice());
    },
    async close() {
      assert(pieces, `second close of ${name}`);
      const data = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
      let at = 0;
      for (const piece of pieces) {
        data.set(piece, at);
        at += piece.length;
      }
      commit(data);
      pieces = undefined;
    },
    async abort() {
      pieces = undefined;
    },
  };
}
