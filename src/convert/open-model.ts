import type { ReadableDirectory } from '../io/bytes.ts';
import { type ModelDirectory, openModelDirectory } from '../io/model-directory.ts';
import { parseConfig } from '../model/config.ts';
import { buildPlan, type ModelPlan } from '../model/plan.ts';

/** Values that replace those of config.json. */
export interface RopeSettings {
  readonly ropeScale?: number;
  readonly ropeAlpha?: number;
}

/** Reads a model's description: config.json and the headers of its weights. Throws InputError, UnsupportedError. */
export async function openModel(
  directory: ReadableDirectory,
  rope: RopeSettings,
): Promise<{ source: ModelDirectory; plan: ModelPlan }> {
  const source = await openModelDirectory(directory);
  const config = parseConfig(await source.readJson('config.json'), rope);
  const tensors = new Map(source.names().map((name) => [name, source.requireInfo(name)]));
  return { source, plan: buildPlan(config, tensors) };
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
