import { InputError } from '../util/errors.ts';
import type { FileEntry, ReadableDirectory } from './bytes.ts';
import { copyRule } from './copied-files.ts';
import { readJsonFile } from './json.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors/reader.ts';
import { joinTensors, type TensorSource } from './tensor-source.ts';
import { checkIndex, findWeightFiles } from './weight-files.ts';

/** A Hugging Face model folder, only ever read: its tensors by name, its JSON files, and what else is in it. */
export interface ModelDirectory extends TensorSource {
  /** The folder's name for messages. */
  readonly name: string;
  /** The first and the last `count` bytes of a tensor, one after the other; all bytes of a smaller one. */
  readEnds(name: string, count: number): Promise<Uint8Array<ArrayBuffer>>;
  /** A JSON file such as `config.json`. Throws InputError when it is missing or damaged. */
  readJson(path: string): Promise<unknown>;
  /** As `readJson`; undefined when there is no such file. */
  readOptionalJson(path: string): Promise<unknown>;
  /** The files that an EXL2 output takes over: the model's own small ones. */
  copiedFiles(): readonly FileEntry[];
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
  checkIndex(weights, open, directory.name);
  const isCopied = copyRule(files);

  const readOptionalJson = async (path: string): Promise<unknown> => {
    const source = await directory.open(path);
    return source && readJsonFile(source);
  };

  const otherLinks = (await directory.otherLinks?.()) ?? [];
  const tensors = joinTensors([...open.values()], directory.name);
  return {
    ...tensors,
    name: directory.name,
    async readEnds(name, count) {
      tensors.requireInfo(name);
      return [...open.values()].find((file) => file.tensors.has(name))!.readEnds(name, count);
    },
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
    copiedFiles: () => files.filter(isCopied),
    weightFiles: () => files.filter(({ path }) => open.has(path)),
  };
}

/** Why a file of a model counts as missing that is there as a link, and what to do; undefined when it is not. */
export async function missingLink(directory: ReadableDirectory, path: string): Promise<string | undefined> {
  if (!(await directory.otherLinks?.())?.includes(path)) return undefined;
  return 'it is a link that leads out of the folder, which is followed for weights only. Put the file itself there.';
}
