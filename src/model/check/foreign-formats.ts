/** Names of tensors by which quantized formats are known when config.json says nothing. */
const FORMATS: readonly (readonly [RegExp, string])[] = [
  [/\.q_weight$/, 'EXL2'],
  [/\.trellis$/, 'EXL3'],
  [/\.g_idx$/, 'GPTQ'],
  [/\.qweight$/, 'GPTQ or AWQ'],
  [/\.(absmax|quant_state\..*|SCB)$/, 'bitsandbytes'],
  [/\.weight_packed$/, 'compressed-tensors'],
  [/\.W_q$/, 'HQQ'],
  [/\.codebooks$/, 'AQLM'],
  [/\.Qidxs$/, 'QuIP#'],
  [/\.weight_scale(_inv)?$/, 'FP8 or INT8'],
  [/\.weight_format$/, 'EETQ'],
  [/_proj\.scales$/, 'MLX or Marlin'],
];

/** The format of quantized tensors among these, and the name by which it is known. */
export function foreignFormat(names: Iterable<string>): { format: string; tensor: string } | undefined {
  const all = [...names];
  for (const [pattern, format] of FORMATS) {
    const tensor = all.find((name) => pattern.test(name));
    if (tensor !== undefined) return { format, tensor };
  }
  return undefined;
}
