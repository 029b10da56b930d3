/** Which files of a model folder hold its weights. */
import { InputError } from '../../util/errors.ts';
import type { FileEntry, ReadableDirectory } from '../bytes.ts';
import { isJsonObject, readJsonFile } from '../json/json.ts';
import { INDEX_FILE } from '../safetensors/writer.ts';

/** How many missing names a message lists. */
const MAX_LISTED = 8;

/** What PEFT calls its weights and their description. */
const ADAPTER = /^adapter_model[^/]*\.(safetensors|bin)$/;
const ADAPTER_CONFIG = 'adapter_config.json';
const NUMBERED_SHARD = /^(.*)-(\d{5})-of-(\d{5})\.safetensors$/;

/** The safetensors files of a model that are there, and for each name in its index the file that should hold it. */
export interface WeightFiles {
  readonly paths: readonly string[];
  readonly indexed: ReadonlyMap<string, string>;
}

/**
 * Finds the weights: by the index, or `model.safetensors`, or all `*.safetensors` of the top folder. Of the files that
 * the index names some may be missing: the model may not need what is in them.
 *
 * @throws InputError that names missing shards, or says what to do when there are no safetensors.
 */
export async function findWeightFiles(
  directory: ReadableDirectory,
  files: readonly FileEntry[],
): Promise<WeightFiles> {
  const present = files
    .map(({ path }) => path)
    .filter((path) => /^[^/]+\.safetensors$/.test(path) && !ADAPTER.test(path));
  const indexed = await readIndex(directory);
  const shards = [...new Set(indexed.values())].sort();
  const there = shards.filter((path) => files.some((file) => file.path === path));
  if (there.length > 0) return { paths: there, indexed };
  if (present.length === 0) {
    await refuseAdapter(directory, files);
    rejectMissing(shards, `${directory.name} lacks`, `named in ${INDEX_FILE}`);
    throw new InputError(adviceWithoutSafetensors(directory.name, files));
  }
  // An EXL2 folder made by ExLlamaV2 has a copy of its source's index, none of whose shards are there.
  if (present.includes('model.safetensors')) return { paths: ['model.safetensors'], indexed: new Map() };
  rejectMissing(missingNumbers(present), `${directory.name} lacks`, 'by the numbers of the other shards');
  return { paths: present, indexed: new Map() };
}

/** An adapter alone is no model. Throws InputError that says how to merge it. */
async function refuseAdapter(directory: ReadableDirectory, files: readonly FileEntry[]): Promise<void> {
  const weights = files.find(({ path }) => ADAPTER.test(path));
  const source = await directory.open(ADAPTER_CONFIG);
  if (!weights && !source) return;
  const config = source && (await readJsonFile(source));
  const { base_model_name_or_path: base }: Record<string, unknown> = isJsonObject(config) ? config : {};
  const isNamed = typeof base === 'string' && base !== '';
  throw new InputError(
    `${directory.name} holds an adapter (${weights?.path ?? ADAPTER_CONFIG}), not a whole model: merge it into its ` +
      `base model${isNamed ? ` ${base}` : ''} first, in Python with PeftModel.from_pretrained(base, folder)` +
      '.merge_and_unload().save_pretrained(new_folder), put the tokenizer beside the result, and convert that.',
  );
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

/** Throws InputError that lists what is missing, if anything is. */
export function rejectMissing(
  missing: readonly string[],
  before: string,
  after: string,
  advice = 'download the rest',
): void {
  if (missing.length === 0) return;
  const more = missing.length > MAX_LISTED ? ` and ${missing.length - MAX_LISTED} more` : '';
  throw new InputError(`${before} ${missing.slice(0, MAX_LISTED).join(', ')}${more}, ${after}: ${advice}.`);
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
