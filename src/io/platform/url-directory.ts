import { InputError } from '../../util/errors.ts';
import type { ByteSource, FileEntry, ReadableDirectory } from '../bytes.ts';
import { pathSegments } from '../relative-path.ts';
import { fileSource } from './file-source.ts';

/**
 * Files of a web server below `base`, which ends with '/'; `files` lists them, since a server does not. Each is
 * fetched whole when something of it is first read, and then kept.
 */
export function urlDirectory(name: string, base: string, files: readonly FileEntry[]): ReadableDirectory {
  const kept = new Map<string, Promise<ByteSource>>();
  const fetched = (path: string): Promise<ByteSource> => {
    const known = kept.get(path);
    if (known) return known;
    const source = fetchFile(
      `${base}${path.split('/').map(encodeURIComponent).join('/')}`,
      `${name}/${path}`,
    );
    kept.set(path, source);
    source.catch(() => kept.delete(path)); // the next read tries again
    return source;
  };

  return {
    name,
    list: async () => [...files].sort((a, b) => (a.path < b.path ? -1 : 1)),
    async open(path) {
      const file = files.find((entry) => entry.path === pathSegments(path, name).join('/'));
      if (!file) return undefined;
      return {
        name: `${name}/${path}`,
        size: file.size,
        read: async (start, end) => (await fetched(file.path)).read(start, end),
      };
    },
  };
}

/** A file that is fetched whole; `name` stands in messages. Throws InputError. */
export async function fetchFile(url: string, name: string): Promise<ByteSource> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answers ${response.status} ${response.statusText}`);
    return fileSource(await response.blob(), name);
  } catch (error) {
    throw new InputError(
      `Cannot fetch ${name} from ${url}: ${(error as Error).message}. Check the connection, then try again.`,
    );
  }
}

/**
 * Files of a web server below `base`, which ends with '/'; `files` lists them. Of each only the bytes that are read are
 * fetched, and kept by nobody. A server that knows no ranges sends the whole file, once.
 */
export function rangedDirectory(name: string, base: string, files: readonly FileEntry[]): ReadableDirectory {
  return {
    name,
    list: async () => [...files].sort((a, b) => (a.path < b.path ? -1 : 1)),
    async open(path) {
      const file = files.find((entry) => entry.path === pathSegments(path, name).join('/'));
      if (!file) return undefined;
      const url = `${base}${file.path.split('/').map(encodeURIComponent).join('/')}`;
      return rangedSource(`${name}/${path}`, url, file.size);
    },
  };
}

function rangedSource(name: string, url: string, size: number): ByteSource {
  let whole: Uint8Array | undefined;
  const fetchBytes = async (start: number, end: number): Promise<Uint8Array<ArrayBuffer>> => {
    const response = await fetch(url, { headers: { Range: `bytes=${start}-${end - 1}` } });
    if (!response.ok) throw new Error(`the server answers ${response.status} ${response.statusText}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (response.status === 206 && bytes.length === end - start) return bytes;
    if (bytes.length !== size) throw new Error(`it has ${bytes.length} bytes; expected ${size}`);
    whole = bytes;
    return bytes.slice(start, end);
  };
  return {
    name,
    size,
    async read(start, end) {
      if (end > size) throw new InputError(`${name} ends at ${size}, before byte ${end}.`);
      if (start === end) return new Uint8Array();
      if (whole) return whole.slice(start, end);
      try {
        return await fetchBytes(start, end);
      } catch (error) {
        throw new InputError(
          `Cannot fetch ${name} from ${url}: ${(error as Error).message}. Check the connection, then try again.`,
        );
      }
    },
  };
}
