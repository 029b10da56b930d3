import type { ReadableDirectory } from '../io/bytes.ts';
import { isJsonObject } from '../io/json.ts';
import { type ModelDirectory, openModelDirectory } from '../io/model-directory.ts';
import { parseConfig } from '../model/config.ts';
import { buildPlan, type ModelOutline, outlineModel } from '../model/plan.ts';
import type { RopeOverrides } from '../model/rope.ts';
import { UnsupportedError } from '../util/errors.ts';
import { checkExl2Tensors } from './check-exl2.ts';

/** A model that can be run: its files, and what they hold. */
export interface EvaluatedModel {
  /** The folder's name. */
  readonly name: string;
  readonly source: ModelDirectory;
  readonly outline: ModelOutline;
  /** Of an EXL2 model, what its config.json says; undefined: the weights are not quantized. */
  readonly quantization: Exl2Facts | undefined;
}

export interface Exl2Facts {
  /** Average of the attention and MLP modules that was asked for; undefined where config.json does not say. */
  readonly bits: number | undefined;
  readonly headBits: number | undefined;
}

/** Tensor names by which other formats are known when config.json says nothing. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/\.g_idx$/, 'GPTQ'],
  [/\.qweight$/, 'GPTQ or AWQ'],
  [/\.trellis$/, 'EXL3'],
  [/\.absmax$/, 'bitsandbytes'],
];

/**
 * Opens an EXL2 model (ours or ExLlamaV2's) or one with F32, F16 or BF16 weights; reads headers only.
 * @throws InputError for missing or wrong files, UnsupportedError for other formats and architectures.
 */
export async function openEvaluatedModel(
  directory: ReadableDirectory,
  rope: RopeOverrides = {},
): Promise<EvaluatedModel> {
  const source = await openModelDirectory(directory);
  const json = await source.readJson('config.json');
  const names = source.names();
  refuseForeign(source.name, json, names);
  const { name } = source;
  if (!names.some((tensor) => tensor.endsWith('.q_weight'))) {
    const tensors = new Map(names.map((tensor) => [tensor, source.requireInfo(tensor)]));
    return { name, source, outline: buildPlan(parseConfig(json, rope), tensors), quantization: undefined };
  }
  const { quantization_config: quantization, ...original } = json as Record<string, unknown>;
  const outline = outlineModel(parseConfig(original, rope));
  checkExl2Tensors(source, outline);
  return { name, source, outline, quantization: exl2Facts(quantization) };
}

function exl2Facts(json: unknown): Exl2Facts {
  const { bits, head_bits }: Record<string, unknown> = isJsonObject(json) ? json : {};
  return {
    bits: typeof bits === 'number' ? bits : undefined,
    headBits: typeof head_bits === 'number' ? head_bits : undefined,
  };
}

function refuseForeign(place: string, config: unknown, names: readonly string[]): void {
  const quantization = isJsonObject(config) ? config['quantization_config'] : undefined;
  const method = isJsonObject(quantization) ? quantization['quant_method'] : undefined;
  const stated = method === undefined || method === 'exl2' ? undefined : String(method).toUpperCase();
  const recognized = FOREIGN.find(([pattern]) => names.some((name) => pattern.test(name)))?.[1];
  const format = stated ?? recognized;
  if (format === undefined) return;
  throw new UnsupportedError(
    `${place} is quantized in another format (${format}): this program runs EXL2 models and models with F32, F16 or ` +
      'BF16 weights. Get the original model, and convert it.',
  );
}
