import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InternalError } from '../../util/errors.ts';

/** Smaller data goes through the channel itself. */
const LARGE_BYTES = 2 ** 20;
/** In main memory, where Linux has it. */
const SHARED_MEMORY = '/dev/shm';

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
 * that have been read are written again, since new memory is slower than used one.
 */
export class LargeData {
  readonly folder: string;
  #next = 0;
  /** Of data that has been taken and is used up. */
  readonly #memory: Uint8Array<ArrayBuffer>[] = [];

  /** @param folder of the processes that belong together. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** The message with its large arrays in files. */
  put = (message: unknown): unknown =>
    mapped(message, (value) => {
      if (!(value instanceof Uint8Array) || value.byteLength < LARGE_BYTES) return undefined;
      const dataInFile = this.#fileFor(value.byteLength);
      writeFileSync(dataInFile, value, { flag: existsSync(dataInFile) ? 'r+' : 'w' });
      return { dataInFile, bytes: value.byteLength } satisfies InFile;
    });

  /** A free file of this size, or a new one; their names say whose they are. */
  #fileFor(bytes: number): string {
    const prefix = `${process.pid}-${bytes}-`;
    const free = readdirSync(this.folder).find((name) => name.startsWith(prefix) && name.endsWith(FREE));
    if (free === undefined) return join(this.folder, `${prefix}${this.#next++}`);
    const path = join(this.folder, free.slice(0, -FREE.length));
    renameSync(path + FREE, path);
    return path;
  }

  /** The message as it was before {@link put}; each array has a buffer of its own. */
  take = (message: unknown): unknown =>
    mapped(message, (value) => {
      // A message's small arrays share a buffer, at any offset.
      if (value instanceof Uint8Array) return value.slice();
      if (!isInFile(value)) return undefined;
      const { dataInFile, bytes } = value;
      const used = this.#memory.findIndex(({ length }) => length === bytes);
      const data = used < 0 ? new Uint8Array(bytes) : this.#memory.splice(used, 1)[0]!;
      readFully(dataInFile, data);
      renameSync(dataInFile, dataInFile + FREE);
      return data;
    });

  /** Takes back what {@link take} gave, for data of the same size that comes later: new memory is slow. */
  release(data: Uint8Array<ArrayBuffer>): void {
    if (data.length >= LARGE_BYTES) this.#memory.push(data);
  }

  /** Removes the folder with what nobody has taken. */
  end(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A new folder for processes that belong together. */
export const newDataFolder = (): string => mkdtempSync(join(sharedFolder(), 'exl2-web-'));

function readFully(path: string, target: Uint8Array): void {
  const file = openSync(path, 'r');
  try {
    for (let at = 0; at < target.length; ) {
      const read = readSync(file, target, at, target.length - at, at);
      if (read === 0) throw new InternalError(`${path} ends at byte ${at}; expected ${target.length}`);
      at += read;
    }
  } finally {
    closeSync(file);
  }
}

function sharedFolder(): string {
  try {
    if (statSync(SHARED_MEMORY).isDirectory()) return SHARED_MEMORY;
  } catch {
    // Other systems keep recent files in memory too.
  }
  return tmpdir();
}

/** A copy of `value` with each object replaced by what `replace` gives for it, where it gives something. */
function mapped(value: unknown, replace: (value: object) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const replaced = replace(value);
  if (replaced !== undefined) return replaced;
  if (ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map((item) => mapped(item, replace));
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, mapped(item, replace)]));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapped(item, replace)]));
}
