import type { ReadableDirectory } from '../io/bytes.ts';
import { isJsonObject } from '../io/json/json.ts';
import { type ModelDirectory, openModelDirectory } from '../io/model/model-directory.ts';
import { foreignFormat } from '../model/check/foreign-formats.ts';
import { planOriginal } from '../model/check/plan-original.ts';
import { parseConfig } from '../model/config/config.ts';
import type { RopeOverrides } from '../model/config/rope.ts';
import { resolveModel } from '../model/resolve.ts';
import type { ModelSpec } from '../model/spec.ts';
import { UnsupportedError } from '../util/errors.ts';
import { checkExl2Tensors } from './check-exl2.ts';

/** A model that can be run: its files, and what they hold. */
export interface RunnableModel {
  /** The folder's name. */
  readonly name: string;
  readonly source: ModelDirectory;
  readonly outline: ModelSpec;
  /** Of an EXL2 model, what its config.json says; undefined: the weights are not quantized. */
  readonly quantization: Exl2Facts | undefined;
}

export interface Exl2Facts {
  /** Average of the attention and MLP modules that was asked for; undefined where config.json does not say. */
  readonly bits: number | undefined;
  readonly headBits: number | undefined;
}

/**
 * Opens an EXL2 model (ours or ExLlamaV2's) or one with F32, F16 or BF16 weights; reads headers only.
 * @throws InputError for missing or wrong files, UnsupportedError for other formats and architectures.
 */
export async function openRunnableModel(
  directory: ReadableDirectory,
  rope: RopeOverrides = {},
): Promise<RunnableModel> {
  const source = await openModelDirectory(directory);
  const json = await source.readJson('config.json');
  const { name } = source;
  if (!source.names().some((tensor) => tensor.endsWith('.q_weight'))) {
    const outline = await planUnquantized(source, json, rope);
    return { name, source, outline, quantization: undefined };
  }
  refuseForeign(source, json);
  const { quantization_config: quantization, ...original } = json as Record<string, unknown>;
  const outline = resolveModel(parseConfig(original, rope), true);
  checkExl2Tensors(source, outline);
  return { name, source, outline, quantization: exl2Facts(quantization) };
}

/** A model of another format is told as such, whatever else may be wrong with it. */
async function planUnquantized(
  source: ModelDirectory,
  config: unknown,
  rope: RopeOverrides,
): Promise<ModelSpec> {
  try {
    return (await planOriginal(source, rope)).plan;
  } catch (error) {
    refuseForeign(source, config);
    throw error;
  }
}

function exl2Facts(json: unknown): Exl2Facts {
  const { bits, head_bits }: Record<string, unknown> = isJsonObject(json) ? json : {};
  return {
    bits: typeof bits === 'number' ? bits : undefined,
    headBits: typeof head_bits === 'number' ? head_bits : undefined,
  };
}

function refuseForeign(source: ModelDirectory, config: unknown): void {
  const quantization = isJsonObject(config) ? config['quantization_config'] : undefined;
  const method = isJsonObject(quantization) ? quantization['quant_method'] : undefined;
  const stated = method === undefined || method === 'exl2' ? undefined : String(method).toUpperCase();
  const names = source.names().filter((name) => !name.endsWith('.q_weight'));
  const format = stated ?? foreignFormat(names)?.format;
  if (format === undefined) return;
  throw new UnsupportedError(
    `${source.name} is quantized in another format (${format}): this program runs EXL2 models and models with F32, F16 or ` +
      'BF16 weights. Get the original model, and convert it.',
  );
}
