import { toFloat } from '../../tensor/float-tensor.ts';
import { InputError, UnsupportedError } from '../../util/errors.ts';
import { nearNames } from '../../util/text/near-names.ts';
import type { SafetensorsFile } from '../safetensors/reader.ts';
import { INDEX_FILE } from '../safetensors/writer.ts';
import type { TensorReader, TensorSource } from './tensor-source.ts';
import { rejectMissing } from './weight-files.ts';

/** The tensors of a model's files. */
export interface JoinedTensors extends TensorSource, TensorReader {
  /** Names of tensors of dtypes that are not known here; they are in no other list. */
  readonly unreadable: readonly string[];
  /** Whether the model's index names the tensor. */
  isIndexed(name: string): boolean;
  /**
   * Makes sure that nothing in the files speaks against these tensors, which the model needs. Those that neither files
   * nor index name are passed over.
   * @throws InputError for missing files, UnsupportedError for a dtype that is not known.
   */
  checkNeeded(names: readonly string[]): void;
}

/**
 * The union of the tensors in `files`, by path. A tensor that the index names is in the file that it names.
 * @param indexed the file of each tensor by the model's index; empty without one. @param place names the model.
 * @throws InputError when a tensor is in two files and there is no index.
 */
export function joinTensors(
  files: ReadonlyMap<string, SafetensorsFile>,
  indexed: ReadonlyMap<string, string>,
  place: string,
): JoinedTensors {
  const { fileOf, second, unreadable } = findTensors(files, indexed);
  const refuseDouble = (name: string): void => {
    const other = second.get(name);
    if (other) throw doubleError(name, fileOf.get(name)!, other);
  };
  if (indexed.size === 0) for (const name of second.keys()) refuseDouble(name);

  const refuseUnreadable = (name: string): void => {
    const file = unreadable.get(name);
    if (file) throw dtypeError(name, file);
  };

  const requireFile = (name: string): SafetensorsFile => {
    const file = fileOf.get(name);
    if (file) return file;
    refuseUnreadable(name);
    const near = nearNames(name, fileOf.keys());
    const hint = near.length > 0 ? `the nearest are ${near.join(', ')}` : `it has ${fileOf.size} others`;
    throw new InputError(
      `${place} has no tensor ${JSON.stringify(name)}; ${hint}. Is the download complete?`,
    );
  };

  return {
    names: () => [...fileOf.keys()],
    has: (name) => fileOf.has(name),
    info: (name) => fileOf.get(name)?.tensors.get(name),
    requireInfo: (name) => requireFile(name).tensors.get(name)!,
    read: async (name, target) => requireFile(name).read(name, target),
    readRows: async (name, rowStart, rowEnd, target) =>
      requireFile(name).readRows(name, rowStart, rowEnd, target),
    async readFloat(name) {
      const file = requireFile(name);
      return toFloat(await file.read(name), file.name);
    },
    readEnds: async (name, count) => requireFile(name).readEnds(name, count),
    unreadable: [...unreadable.keys()],
    isIndexed: (name) => indexed.has(name),
    checkNeeded(names) {
      const placed = names.filter((name) => indexed.has(name));
      const missing = placed.map((name) => indexed.get(name)!).filter((path) => !files.has(path));
      rejectMissing([...new Set(missing)].sort(), `${place} lacks`, `named in ${INDEX_FILE}`);
      const absent = placed.filter((name) => !fileOf.has(name) && !unreadable.has(name));
      const described = absent.map((name) => `${name} (${indexed.get(name)})`);
      rejectMissing(
        described,
        `${place} lacks the tensors`,
        `named in ${INDEX_FILE}`,
        'the files and the index are not of the same model, so get them again',
      );
      for (const name of names) {
        refuseDouble(name);
        refuseUnreadable(name);
      }
    },
  };
}

/** The file of each tensor, the other file of those that are in two, and the file of each one of an unknown dtype. */
function findTensors(files: ReadonlyMap<string, SafetensorsFile>, indexed: ReadonlyMap<string, string>) {
  const fileOf = new Map<string, SafetensorsFile>();
  const second = new Map<string, SafetensorsFile>();
  const unreadable = new Map<string, SafetensorsFile>();
  for (const [path, file] of files) {
    const isHere = (name: string) => (indexed.get(name) ?? path) === path;
    for (const name of [...file.tensors.keys()].filter(isHere)) {
      if (fileOf.has(name)) second.set(name, file);
      else fileOf.set(name, file);
    }
    for (const name of [...file.unreadable.keys()].filter(isHere)) unreadable.set(name, file);
  }
  return { fileOf, second, unreadable };
}

const doubleError = (name: string, first: SafetensorsFile, second: SafetensorsFile): InputError =>
  new InputError(
    `Tensor ${JSON.stringify(name)} is in both ${first.name} and ${second.name}: ` +
      'remove the file that does not belong to this model.',
  );

const dtypeError = (name: string, file: SafetensorsFile): UnsupportedError =>
  new UnsupportedError(
    `tensor ${JSON.stringify(name)} in ${file.name} has dtype ${JSON.stringify(file.unreadable.get(name))}, ` +
      'which is not known here; expected F32, F16 or BF16: give the original, unquantized model',
  );
