import type { ModelConfig } from '../model/config/config.ts';
import { FAMILIES } from '../model/families/registry.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * config.json of the output, without what it says of the quantization: the source's, with what ExLlamaV2 0.3.2 looks
 * for where transformers 5 writes it elsewhere or leaves it out. ExLlamaV2 would take its own defaults for it, and
 * compute something else without a word.
 */
export function outputConfig({ raw, architecture, headDim, normEps }: ModelConfig): Json {
  const epsilon = FAMILIES.get(architecture)?.epsilonKeys?.written ?? 'rms_norm_eps';
  const filledIn = (part: Json): Json => ({
    ...part,
    ...{ head_dim: part['head_dim'] ?? headDim, [epsilon]: part[epsilon] ?? normEps },
    ...ropeFields(part),
  });
  const text = raw['text_config'] as Json | undefined;
  const whole = text ? { ...raw, text_config: filledIn(text) } : filledIn(raw);
  return { ...whole, architectures: [architecture] };
}

/**
 * ExLlamaV2 reads `rope_theta`, `partial_rotary_factor` and `original_max_position_embeddings` beside `rope_scaling`, and
 * there `type` of the linear, long and multimodal kinds and `rope_type` of Llama 3's, but never both.
 */
function ropeFields(raw: Json): Json {
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
    ...present(numbers, 'partial_rotary_factor'),
    ...(isLong && present(numbers, 'original_max_position_embeddings')),
    ...(kind === 'llama3' && { rope_scaling: { rope_type: kind, ...numbers } }),
  };
}

const present = (values: Json, ...keys: readonly string[]): Json =>
  Object.fromEntries(keys.filter((key) => values[key] !== undefined).map((key) => [key, values[key]]));
