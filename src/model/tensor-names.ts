/** Names of source tensors, and the head's key. */
export const EMBEDDING = 'model.embed_tokens.weight';
export const FINAL_NORM = 'model.norm.weight';
export const HEAD = 'lm_head';
export const HEAD_WEIGHT = `${HEAD}.weight`;
