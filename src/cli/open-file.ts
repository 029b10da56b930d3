import { basename, dirname } from 'node:path';
import type { ByteSource } from '../io/bytes.ts';
import { nodeDirectory } from '../io/platform/node/node-directory.ts';
import { InputError } from '../util/errors.ts';

/** A file that the user named. Throws InputError when it is not there. */
export async function openFile(path: string): Promise<ByteSource> {
  const source = await nodeDirectory(dirname(path)).open(basename(path));
  if (!source) throw new InputError(`There is no file ${path}.`);
  return source;
}
