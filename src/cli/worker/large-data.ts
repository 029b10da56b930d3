import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { InternalError } from '../../util/errors.ts';

/** Smaller data goes through the channel itself. */
const LARGE_BYTES = 2 ** 20;

/** What stands for data in a file, in a message. */
interface InFile {
  readonly dataInFile: string;
  readonly bytes: number;
}

const isInFile = (value: object): value is InFile => 'dataInFile' in value;

/** Of a file that has been read, and can be written again. */
const FREE = '.free';

/**
 * Large data of messages, passed from process to process in files: channels between processes take them slowly. Files
 * that have been read are written again, since new memory is slower than used one. Meanwhile other work goes on.
 */
export class LargeData {
  readonly folder: string;
  #next = 0;
  #hasEnded = false;
  /** Of data that has been read from files and is used up. */
  readonly #memory: Uint8Array<ArrayBuffer>[] = [];
  /** Data that was read from files: what came through the channel is new memory each time. */
  readonly #read = new WeakSet<Uint8Array>();

  /** @param folder of the processes that belong together. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** The message with its large arrays in files, as far as there is room for them; then they may change. */
  put = (message: unknown): Promise<unknown> =>
    mapped(message, (value) => {
      if (!(value instanceof Uint8Array) || value.byteLength < LARGE_BYTES) return undefined;
      return this.#write(value).catch(() => value);
    });

  async #write(data: Uint8Array): Promise<InFile> {
    const dataInFile = this.#fileFor(data.byteLength);
    try {
      await withFile(dataInFile, existsSync(dataInFile) ? 'r+' : 'w', async (file) => {
        for (let at = 0; at < data.length; )
          at += (await file.write(data, at, data.length - at, at)).bytesWritten;
      });
      return { dataInFile, bytes: data.byteLength };
    } catch (error) {
      rmSync(dataInFile, { force: true }); // where there is too little room, half a file takes it for nothing
      throw error;
    }
  }

  /** A free file, best one that has room for so much, or a new one; names say whose they are and how large. */
  #fileFor(bytes: number): string {
    const own = `${process.pid}-`;
    const free = readdirSync(this.folder)
      .filter((name) => name.startsWith(own) && name.endsWith(FREE))
      .map((name) => ({ name, room: Number(name.slice(own.length).split('-')[0]) }))
      .sort((a, b) => a.room - b.room);
    const used = free.find(({ room }) => room >= bytes) ?? free.at(-1);
    const path = join(this.folder, `${own}${Math.max(bytes, used?.room ?? 0)}-${this.#next++}`);
    if (used) renameSync(join(this.folder, used.name), path);
    return path;
  }

  /** The message as it was before {@link put}; each array has a buffer of its own. */
  take = async (message: unknown): Promise<unknown> => {
    try {
      return await mapped(message, (value) => {
        // A message's small arrays share a buffer, at any offset.
        if (value instanceof Uint8Array) return Promise.resolve(value.slice());
        return isInFile(value) ? this.#readFile(value) : undefined;
      });
    } catch (error) {
      if (this.#hasEnded) return new Promise(() => {});
      throw error;
    }
  };

  async #readFile({ dataInFile, bytes }: InFile): Promise<Uint8Array<ArrayBuffer>> {
    const used = this.#memory.findIndex(({ length }) => length === bytes);
    const data = used < 0 ? new Uint8Array(bytes) : this.#memory.splice(used, 1)[0]!;
    await withFile(dataInFile, 'r', async (file) => {
      for (let at = 0; at < bytes; ) {
        const { bytesRead } = await file.read(data, at, bytes - at, at);
        if (bytesRead === 0) throw new InternalError(`${dataInFile} ends at byte ${at}; expected ${bytes}`);
        at += bytesRead;
      }
    });
    renameSync(dataInFile, dataInFile + FREE);
    this.#read.add(data);
    return data;
  }

  /** Takes back what {@link take} gave, for data of the same size that comes later: new memory is slow. */
  release(data: Uint8Array<ArrayBuffer>): void {
    if (this.#read.has(data)) this.#memory.push(data);
  }

  /** Removes the folder with what nobody has taken. What is under way then never comes. */
  end(): void {
    this.#hasEnded = true;
    // Other processes, and threads of this one, may be about to write there.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  }
}

/** Not by `writeFile` and `readFile`, which go in small pieces. */
async function withFile(
  path: string,
  flags: string,
  work: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags);
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

/** A copy of `value` with each object replaced by what `replace` gives for it, where it gives something. */
async function mapped(
  value: unknown,
  replace: (value: object) => Promise<unknown> | undefined,
): Promise<unknown> {
  if (typeof value !== 'object' || value === null) return value;
  const replaced = replace(value);
  if (replaced) return replaced;
  if (ArrayBuffer.isView(value)) return value;
  const all = <K>(entries: Iterable<[K, unknown]>): Promise<[K, unknown][]> =>
    Promise.all(
      Array.from(entries, async ([key, item]): Promise<[K, unknown]> => [key, await mapped(item, replace)]),
    );
  if (Array.isArray(value)) return Promise.all(value.map((item) => mapped(item, replace)));
  if (value instanceof Map) return new Map(await all(value));
  return Object.fromEntries(await all(Object.entries(value)));
}
