import type { HostTensor } from '../tensor/dtype.ts';
import { InputError } from '../util/errors.ts';
import type { ByteSource, FileEntry, WritableDirectory } from './bytes.ts';
import { readJsonFile } from './json.ts';
import { listIfThere } from './list-if-there.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors/reader.ts';
import { planShard, writeSafetensors } from './safetensors/writer.ts';
import { writeJsonFile } from './write-file.ts';

/** A job's artefacts. Each appears whole or not at all, so one that is there is done. */
export interface WorkDirectory {
  /** For messages. */
  readonly name: string;
  /** All files in it, also those that are not a job's; none where the folder is not there yet. */
  list(): Promise<FileEntry[]>;
  has(path: string): Promise<boolean>;
  writeJson(path: string, value: unknown): Promise<void>;
  /** What `writeJson` wrote; undefined when it is not there. Throws InputError when it is damaged. */
  readJson<T>(path: string): Promise<T | undefined>;
  writeTensors(
    path: string,
    tensors: readonly HostTensor[],
    metadata?: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** What `writeTensors` wrote; undefined when it is not there. Throws InputError when it is damaged. */
  openTensors(path: string): Promise<SafetensorsFile | undefined>;
  /** No error when it is not there. */
  remove(path: string): Promise<void>;
}

export function workDirectory(directory: WritableDirectory): WorkDirectory {
  const readArtefact = async <T>(
    path: string,
    parse: (source: ByteSource) => Promise<T>,
  ): Promise<T | undefined> => {
    const source = await directory.open(path);
    if (!source) return undefined;
    try {
      return await parse(source);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw new InputError(
        `${error.message} Delete ${source.name} and run the job again: only that step is repeated.`,
      );
    }
  };

  return {
    name: directory.name,
    list: () => listIfThere(directory),
    has: async (path) => (await directory.open(path)) !== undefined,
    writeJson: (path, value) => writeJsonFile(directory, path, value),
    readJson: <T>(path: string) => readArtefact(path, (source) => readJsonFile(source) as Promise<T>),
    async writeTensors(path, tensors, metadata) {
      const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
      await writeSafetensors(directory, planShard(path, tensors), (name) => byName.get(name)!, metadata);
    },
    openTensors: (path) => readArtefact(path, openSafetensors),
    remove: (path) => directory.remove(path),
  };
}
