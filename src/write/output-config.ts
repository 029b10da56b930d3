import { isJsonObject } from '../io/json/json.ts';
import type { ModelConfig } from '../model/config/config.ts';
import { Fields } from '../model/config/fields.ts';
import { FAMILIES } from '../model/families/registry.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * config.json of the output, without what it says of the quantization: the source's, with what ExLlamaV2 0.3.2 looks
 * for where transformers 5 writes it elsewhere or leaves it out. ExLlamaV2 would take its own defaults for it, and
 * compute something else without a word.
 */
export function outputConfig(config: ModelConfig): Json {
  const { raw, architecture, headDim, normEps } = config;
  const { epsilon: fixed, epsilonKeys, keys = {}, writtenAs = architecture } = FAMILIES.get(architecture)!;
  const epsilon = epsilonKeys?.written ?? 'rms_norm_eps';
  const filledIn = (part: Json): Json => ({
    ...withSizes(part, config, keys),
    head_dim: part['head_dim'] ?? headDim,
    ...(fixed === undefined && { [epsilon]: part[epsilon] ?? normEps }),
    ...ropeFields(part, config),
  });
  const text = raw['text_config'] as Json | undefined;
  const whole = text ? { ...raw, text_config: filledIn(text) } : filledIn(raw);
  return { ...whole, architectures: [writtenAs] };
}

/** With sizes that config.json leaves to a family which has names of its own for them. */
function withSizes(part: Json, config: ModelConfig, keys: Readonly<Record<string, string>>): Json {
  const fields = new Fields(part, 'config.json', keys);
  const values = {
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositions,
    num_local_experts: config.experts?.count,
    num_experts_per_tok: config.experts?.perToken,
  };
  return Object.entries(values).reduce((whole, [usual, value]) => {
    const own = keys[usual];
    return own === undefined || fields.get(usual) !== undefined ? whole : withField(whole, own, value);
  }, part);
}

/** With a value under its name, with dots: within others. */
function withField(whole: Json, path: string, value: unknown): Json {
  const [name = '', ...within] = path.split('.');
  const inner = whole[name];
  if (within.length === 0) return { ...whole, [name]: value };
  return { ...whole, [name]: withField(isJsonObject(inner) ? inner : {}, within.join('.'), value) };
}

/**
 * ExLlamaV2 reads `rope_theta`, `partial_rotary_factor` and `original_max_position_embeddings` beside `rope_scaling`, and
 * there `type` of the linear, long, YaRN and multimodal kinds and `rope_type` of Llama 3's, but never both. Of YaRN it
 * demands both contexts' ratio and the original one.
 */
function ropeFields(raw: Json, { maxPositions }: ModelConfig): Json {
  const all = (raw['rope_parameters'] ?? raw['rope_scaling']) as Json | null | undefined;
  // Of layers with a window ExLlamaV2 knows by itself.
  const rope = (all?.['full_attention'] as Json | undefined) ?? all;
  if (!rope) return {};
  const { type: oldName, rope_type: kind = oldName ?? 'default', rope_theta: theta, ...numbers } = rope;
  const isLong = kind === 'longrope' || kind === 'su';
  const isMultimodal = kind === 'mrope' || numbers['mrope_section'] !== undefined;
  return {
    ...(theta !== undefined && { rope_theta: theta }),
    ...(kind === 'default' && !isMultimodal && { rope_scaling: null }),
    ...(isMultimodal && { rope_scaling: { type: 'mrope', ...numbers } }),
    ...((kind === 'linear' || isLong) && { rope_scaling: { type: kind, ...numbers } }),
    ...(kind === 'yarn' && {
      rope_scaling: { type: kind, ...numbers, ...yarnNumbers(raw, numbers, maxPositions) },
    }),
    ...present(numbers, 'partial_rotary_factor'),
    ...(isLong && present(numbers, 'original_max_position_embeddings')),
    ...(kind === 'llama3' && { rope_scaling: { rope_type: kind, ...numbers } }),
  };
}

function yarnNumbers(raw: Json, numbers: Json, maxPositions: number): Json {
  const key = 'original_max_position_embeddings';
  const original = (raw[key] ?? numbers[key] ?? maxPositions) as number;
  return { factor: numbers['factor'] ?? maxPositions / original, [key]: original };
}

const present = (values: Json, ...keys: readonly string[]): Json =>
  Object.fromEntries(keys.filter((key) => values[key] !== undefined).map((key) => [key, values[key]]));
