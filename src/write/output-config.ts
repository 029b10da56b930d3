import type { ModelConfig } from '../model/config/config.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * config.json of the output, without what it says of the quantization: the source's, with what ExLlamaV2 0.3.2 looks
 * for where transformers 5 writes it elsewhere or leaves it out. ExLlamaV2 would take its own defaults for it, and
 * compute something else without a word.
 */
export function outputConfig({ raw, architecture, headDim, normEps }: ModelConfig): Json {
  const filledIn = { head_dim: raw['head_dim'] ?? headDim, rms_norm_eps: raw['rms_norm_eps'] ?? normEps };
  return { ...raw, architectures: [architecture], ...filledIn, ...ropeFields(raw) };
}

/** ExLlamaV2 reads `rope_theta`, and `rope_scaling` with `type` for the linear kind and `rope_type` for Llama 3's. */
function ropeFields(raw: Json): Json {
  const rope = (raw['rope_parameters'] ?? raw['rope_scaling']) as Json | null | undefined;
  if (!rope) return {};
  const { type: oldName, rope_type: kind = oldName ?? 'default', rope_theta: theta, ...numbers } = rope;
  return {
    ...(theta !== undefined && { rope_theta: theta }),
    ...(kind === 'default' && { rope_scaling: null }),
    ...(kind === 'linear' && { rope_scaling: { type: kind, ...numbers } }),
    ...(kind === 'llama3' && { rope_scaling: { rope_type: kind, ...numbers } }),
  };
}
