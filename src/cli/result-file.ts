import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { readJsonFile } from '../io/json/json.ts';
import { nodeDirectory } from '../io/platform/node/node-directory.ts';
import { InputError } from '../util/errors.ts';

/**
 * Better now than after hours of work: whether the file that `option` names can be written.
 * @param isOwn whether JSON that is there already was written by the same command, and may be replaced.
 * @throws InputError where it may not.
 */
export async function checkResultFile(
  path: string,
  option: string,
  isOwn: (there: unknown) => boolean | Promise<boolean>,
): Promise<void> {
  const directory = nodeDirectory(dirname(path));
  const file = await directory.open(basename(path));
  if (!file) {
    const isFolder = (await stat(path).catch(() => undefined))?.isDirectory();
    if (isFolder) throw new InputError(`${path} is a folder: name a file for ${option}.`);
    const sink = await directory.create(basename(path));
    await sink.abort();
    return;
  }
  const there = await readJsonFile(file).catch(() => undefined);
  if (there !== undefined && (await isOwn(there))) return;
  throw new InputError(`${path} is there already: choose another name for ${option}, or remove it.`);
}
