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
  const fetched = (url: string, path: string): Promise<ByteSource> => {
    const known = kept.get(url);
    if (known) return known;
    const source = fetchFile(url, path);
    kept.set(url, source);
    source.catch(() => kept.delete(url)); // the next read tries again
    return source;
  };
  return directoryOf(name, base, files, (path, url, size) => ({
    ...{ name: path, size },
    read: async (start, end) => (await fetched(url, path)).read(start, end),
  }));
}

/** A file that is fetched whole; `name` stands in messages. Throws InputError. */
export async function fetchFile(url: string, name: string): Promise<ByteSource> {
  try {
    return fileSource(await (await answered(url)).blob(), name);
  } catch (error) {
    throw unfetched(name, url, error);
  }
}

/**
 * Files of a web server below `base`, which ends with '/'; `files` lists them. Of each only the bytes that are read are
 * fetched, and kept by nobody. A server that knows no ranges sends the whole file, once.
 */
export const rangedDirectory = (name: string, base: string, files: readonly FileEntry[]): ReadableDirectory =>
  directoryOf(name, base, files, rangedSource);

function directoryOf(
  name: string,
  base: string,
  files: readonly FileEntry[],
  sourceOf: (name: string, url: string, size: number) => ByteSource,
): ReadableDirectory {
  return {
    name,
    list: async () => [...files].sort((a, b) => (a.path < b.path ? -1 : 1)),
    async open(path) {
      const file = files.find((entry) => entry.path === pathSegments(path, name).join('/'));
      if (!file) return undefined;
      const url = `${base}${file.path.split('/').map(encodeURIComponent).join('/')}`;
      return sourceOf(`${name}/${path}`, url, file.size);
    },
  };
}

function rangedSource(name: string, url: string, size: number): ByteSource {
  let whole: Uint8Array | undefined;
  const fetchBytes = async (start: number, end: number): Promise<Uint8Array<ArrayBuffer>> => {
    const response = await answered(url, { headers: { Range: `bytes=${start}-${end - 1}` } });
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
        throw unfetched(name, url, error);
      }
    },
  };
}

/** What the server has for an address; throws where it has nothing. */
async function answered(...request: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...request);
  if (!response.ok) throw new Error(`the server answers ${response.status} ${response.statusText}`);
  return response;
}

const unfetched = (name: string, url: string, error: unknown): InputError =>
  new InputError(
    `Cannot fetch ${name} from ${url}: ${(error as Error).message}. Check the connection, then try again.`,
  );
