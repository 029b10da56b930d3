/** Which files of a model folder hold its weights. */
import { InputError } from '../util/errors.ts';
import type { FileEntry, ReadableDirectory } from './bytes.ts';
import { isJsonObject, readJsonFile } from './json.ts';
import type { SafetensorsFile } from './safetensors/reader.ts';
import { INDEX_FILE } from './safetensors/writer.ts';

/** How many missing names a message lists. */
const MAX_LISTED = 8;

const NUMBERED_SHARD = /^(.*)-(\d{5})-of-(\d{5})\.safetensors$/;

/** The safetensors files of a model, and for each name in its index the file that should hold it. */
export interface WeightFiles {
  readonly paths: readonly string[];
  readonly fileOf: ReadonlyMap<string, string>;
}

/**
 * Finds the weights: by the index, or `model.safetensors`, or all `*.safetensors` of the top folder.
 *
 * @throws InputError that names missing shards, or says what to do when there are no safetensors.
 */
export async function findWeightFiles(
  directory: ReadableDirectory,
  files: readonly FileEntry[],
): Promise<WeightFiles> {
  const present = files.map(({ path }) => path).filter((path) => /^[^/]+\.safetensors$/.test(path));
  const indexed = await readIndex(directory);
  const shards = [...new Set(indexed.values())].sort();
  const missing = shards.filter((path) => !files.some((file) => file.path === path));
  // An EXL2 folder made by ExLlamaV2 has a copy of its source's index, none of whose shards are there.
  const stale = missing.length === shards.length && present.length > 0;
  if (shards.length > 0 && !stale) {
    rejectMissing(missing, `${directory.name} lacks`, `named in ${INDEX_FILE}`);
    return { paths: shards, fileOf: indexed };
  }
  if (present.includes('model.safetensors')) return { paths: ['model.safetensors'], fileOf: new Map() };
  if (present.length === 0) throw new InputError(adviceWithoutSafetensors(directory.name, files));
  rejectMissing(missingNumbers(present), `${directory.name} lacks`, 'by the numbers of the other shards');
  return { paths: present, fileOf: new Map() };
}

/** Checks that each tensor of the index is in the file that the index names. Throws InputError. */
export function checkIndex(
  { fileOf }: WeightFiles,
  open: ReadonlyMap<string, SafetensorsFile>,
  place: string,
): void {
  const missing: string[] = [];
  for (const [name, path] of fileOf) {
    if (!open.get(path)?.tensors.has(name)) missing.push(`${name} (${path})`);
  }
  rejectMissing(missing, `${place} lacks the tensors`, `named in ${INDEX_FILE}`);
}

async function readIndex(directory: ReadableDirectory): Promise<Map<string, string>> {
  const source = await directory.open(INDEX_FILE);
  if (!source) return new Map();
  const index = await readJsonFile(source);
  const { weight_map: map }: Record<string, unknown> = isJsonObject(index) ? index : {};
  if (!isJsonObject(map))
    throw new InputError(`${source.name} has no "weight_map" object: get the file again.`);
  const fileOf = new Map<string, string>();
  for (const [name, path] of Object.entries(map)) {
    if (typeof path !== 'string') {
      throw new InputError(
        `${source.name}: weight_map ${JSON.stringify(name)} is not a file name. Get it again.`,
      );
    }
    fileOf.set(name, path);
  }
  return fileOf;
}

function missingNumbers(present: readonly string[]): string[] {
  const expected = present.flatMap((path) => {
    const [, stem, , count] = NUMBERED_SHARD.exec(path) ?? [];
    const number = (i: number) => String(i + 1).padStart(5, '0');
    return Array.from(
      { length: Number(count ?? 0) },
      (_, i) => `${stem}-${number(i)}-of-${count}.safetensors`,
    );
  });
  return [...new Set(expected)].filter((path) => !present.includes(path));
}

function rejectMissing(missing: readonly string[], before: string, after: string): void {
  if (missing.length === 0) return;
  const more = missing.length > MAX_LISTED ? ` and ${missing.length - MAX_LISTED} more` : '';
  throw new InputError(
    `${before} ${missing.slice(0, MAX_LISTED).join(', ')}${more}, ${after}: download the rest.`,
  );
}

function adviceWithoutSafetensors(place: string, files: readonly FileEntry[]): string {
  const found = (pattern: RegExp) => files.find(({ path }) => pattern.test(path))?.path;
  const gguf = found(/\.gguf$/i);
  const pickled = found(/\.(bin|pt|pth|ckpt)$/i);
  if (pickled) {
    return (
      `${place} has weights in PyTorch's format (${pickled}) but no .safetensors: look for a safetensors version of ` +
      'the model, or load it in transformers and save it with save_pretrained(folder, safe_serialization=True).'
    );
  }
  if (gguf) {
    return `${place} has ${gguf} but no .safetensors: GGUF is a converted model; get the original one it was made from.`;
  }
  return `${place} has no .safetensors files: choose the folder that has config.json and the weights in it.`;
}
