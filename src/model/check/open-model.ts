import type { ReadableDirectory } from '../../io/bytes.ts';
import { type ModelDirectory, openModelDirectory } from '../../io/model/model-directory.ts';
import { type Original, planOriginal } from './plan-original.ts';

/** Values that replace those of config.json. */
export interface RopeSettings {
  readonly ropeScale?: number;
  readonly ropeAlpha?: number;
}

/** A model that can be converted, opened. */
export interface OpenModel extends Original {
  readonly source: ModelDirectory;
}

/** What a conversion reads besides config.json, where it is there. */
const JSON_FILES = ['tokenizer.json', 'tokenizer_config.json', 'generation_config.json'];

/**
 * Reads a model's description: config.json, the headers of its weights, and the other JSON files that will be needed,
 * so that a damaged one is known at once. Throws InputError, UnsupportedError.
 */
export async function openModel(directory: ReadableDirectory, rope: RopeSettings): Promise<OpenModel> {
  const source = await openModelDirectory(directory);
  const original = await planOriginal(source, rope);
  for (const path of JSON_FILES) await source.readOptionalJson(path);
  const links = source.otherLinks.length > 0 ? [linksMessage(source)] : [];
  return { source, ...original, warnings: [...original.warnings, ...links] };
}

const MOST_SHOWN = 3;

/** That links of a model's folder were not followed. */
export function linksMessage({ name, otherLinks }: ModelDirectory): string {
  const shown = otherLinks.slice(0, MOST_SHOWN).map((path) => JSON.stringify(path));
  const rest = otherLinks.length > MOST_SHOWN ? ', …' : '';
  return (
    `Links in ${name} that lead out of it are passed over (${otherLinks.length}: ${shown.join(', ')}${rest}): what they ` +
    'lead to is not the model’s, and is not in the output. If it is to be, put the files themselves into the folder.'
  );
}
