import { InputError } from '../../util/errors.ts';
import type { FileEntry, ReadableDirectory } from '../bytes.ts';
import { readJsonFile } from '../json/json.ts';
import { openSafetensors, type SafetensorsFile } from '../safetensors/reader.ts';
import { copyRule } from './copied-files.ts';
import { type JoinedTensors, joinTensors } from './joined-tensors.ts';
import { isPointer, MAX_POINTER_BYTES } from './mistaken-files.ts';

import { findWeightFiles } from './weight-files.ts';

/** A Hugging Face model folder, only ever read: its tensors by name, its JSON files, and what else is in it. */
export interface ModelDirectory extends JoinedTensors {
  /** The folder's name for messages. */
  readonly name: string;
  /** A JSON file such as `config.json`. Throws InputError when it is missing or damaged. */
  readJson(path: string): Promise<unknown>;
  /** As `readJson`; undefined when there is no such file. */
  readOptionalJson(path: string): Promise<unknown>;
  /** The files that an EXL2 output takes over: the model's own small ones, and none in whose place is a pointer. */
  copiedFiles(): readonly FileEntry[];
  /** Files that would be taken over, in whose place are git-lfs pointers. */
  readonly pointers: readonly string[];
  /** Links that lead out of the folder and are not followed. */
  readonly otherLinks: readonly string[];
  /** The safetensors files, with sizes. */
  weightFiles(): readonly FileEntry[];
}

/** Opens a model: lists its files and reads the safetensors headers. Throws InputError or UnsupportedError. */
export async function openModelDirectory(directory: ReadableDirectory): Promise<ModelDirectory> {
  const files = await directory.list();
  const weights = await findWeightFiles(directory, files);
  const open = new Map<string, SafetensorsFile>();
  for (const path of weights.paths) {
    const source = await directory.open(path);
    if (!source) throw new InputError(`${path} has gone from ${directory.name} while the model was opened.`);
    open.set(path, await openSafetensors(source));
  }
  const isCopied = copyRule(files);
  const pointers = await findPointers(directory, files.filter(isCopied));
  const otherLinks = (await directory.otherLinks?.()) ?? [];

  const readOptionalJson = async (path: string): Promise<unknown> => {
    const source = await directory.open(path);
    return source && readJsonFile(source);
  };

  return {
    ...joinTensors(open, weights.indexed, directory.name),
    name: directory.name,
    pointers,
    readOptionalJson,
    async readJson(path) {
      const value = await readOptionalJson(path);
      if (value === undefined) {
        const why = (await missingLink(directory, path)) ?? 'choose the folder with all files of the model.';
        throw new InputError(`${directory.name} has no ${path}: ${why}`);
      }
      return value;
    },
    otherLinks,
    copiedFiles: () => files.filter((file) => isCopied(file) && !pointers.includes(file.path)),
    weightFiles: () => files.filter(({ path }) => open.has(path)),
  };
}

async function findPointers(directory: ReadableDirectory, files: readonly FileEntry[]): Promise<string[]> {
  const pointers: string[] = [];
  for (const { path, size } of files) {
    const source = size <= MAX_POINTER_BYTES ? await directory.open(path) : undefined;
    if (source && (await isPointer(source))) pointers.push(path);
  }
  return pointers;
}

/** Why a file of a model counts as missing that is there as a link, and what to do; undefined when it is not. */
export async function missingLink(directory: ReadableDirectory, path: string): Promise<string | undefined> {
  if (!(await directory.otherLinks?.())?.includes(path)) return undefined;
  return 'it is a link that leads out of the folder, which is followed for weights only. Put the file itself there.';
}
