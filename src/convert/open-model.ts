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
