import type { WritableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { writeFile } from '../../src/io/write-file.ts';

/** File contents by path. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** All files of a directory. */
export async function contentsOf(directory: WritableDirectory): Promise<Files> {
  const files = new Map<string, Uint8Array>();
  for (const { path, size } of await directory.list()) {
    files.set(path, await (await directory.open(path))!.read(0, size));
  }
  return files;
}

/** A directory in memory with these files. */
export async function directoryOf(name: string, files: Files): Promise<WritableDirectory> {
  const directory = memoryDirectory(name);
  for (const [path, bytes] of files) await writeFile(directory, path, (sink) => sink.write(bytes));
  return directory;
}

/** What was done to which file, in words; and the files after it. */
export interface Damage {
  readonly what: string;
  readonly files: Files;
}

/** Damages one of the files, or puts two in each other's place, by the random numbers of `random`, 0…1. */
export function damaged(files: Files, random: () => number): Damage {
  const below = (count: number) => Math.floor(random() * count);
  const paths = [...files.keys()];
  const path = paths[below(paths.length)]!;
  const bytes = files.get(path)!;
  const other = paths[below(paths.length)]!;
  const changed = (what: string, change: (copy: Uint8Array) => Uint8Array): Damage => ({
    what: `${path}: ${what}`,
    files: new Map([...files, [path, change(bytes.slice())]]),
  });
  const flipped = (from: number, to: number) => {
    const bit = 8 * from + below(8 * Math.max(1, to - from));
    return changed(`bit ${bit} flipped`, (copy) => {
      if (copy.length > 0) copy[bit >> 3]! ^= 1 << (bit & 7);
      return copy;
    });
  };
  switch (below(9)) {
    case 0:
    case 1:
      return flipped(0, bytes.length);
    case 2:
      return flipped(0, Math.min(bytes.length, 64));
    case 3:
      return changed('emptied', () => new Uint8Array());
    case 4: {
      const length = below(bytes.length);
      return changed(`cut to ${length} bytes`, (copy) => copy.subarray(0, length));
    }
    case 5: {
      const start = below(bytes.length);
      return changed(`zeros from ${start}`, (copy) => copy.fill(0, start, start + 4096));
    }
    case 6: {
      const left = new Map(files);
      left.delete(path);
      return { what: `${path}: removed`, files: left };
    }
    case 7:
      return changed(`replaced by ${other}`, () => files.get(other)!);
    default:
      return {
        what: `${path} and ${other} in each other's place`,
        files: new Map([...files, [path, files.get(other)!], [other, bytes]]),
      };
  }
}
