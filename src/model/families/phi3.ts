import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** Phi-3, 3.5 and 4: Llama with q, k and v in one tensor, and gate and up in another; the output has them apart. */
export const phi3: Family = {
  ...llama,
  name: 'Phi3ForCausalLM',
  source: { fused: { qkv: { name: 'qkv_proj', order: 'qkv' }, gateUp: 'gate_up_proj' } },
  attention: { qkvBias: 'never', oBias: 'never', headNorms: false, windows: 'everyLayer' },
  mlp: { bias: 'never' },
  knows: ['partial_rotary_factor'],
};
