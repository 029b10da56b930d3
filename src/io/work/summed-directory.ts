import type { WritableDirectory } from '../bytes.ts';
import { startChecksum } from './checksum.ts';

/** A directory that sums what is written to it. */
export interface SummedDirectory {
  readonly directory: WritableDirectory;
  /** Of all names and bytes so far, in the order in which they were written; once, at the end. */
  checksum(): string;
}

export async function summedDirectory(to: WritableDirectory): Promise<SummedDirectory> {
  const checksum = await startChecksum();
  return {
    directory: {
      ...to,
      async create(path) {
        const sink = await to.create(path);
        checksum.add(new TextEncoder().encode(path));
        return {
          async write(bytes) {
            checksum.add(bytes);
            await sink.write(bytes);
          },
          close: () => sink.close(),
          abort: () => sink.abort(),
        };
      },
    },
    checksum: () => checksum.end(),
  };
}
