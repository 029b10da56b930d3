/**
 * Keys of config.json that change what a model computes, over all families that are known: with the values at which
 * they change nothing. A model of an architecture that does not have such a key is something else than it is called.
 */

/** The sizes of a model on which neutral values depend. */
export interface NeutralSizes {
  readonly hiddenSize: number;
  readonly headDim: number;
  readonly layers: number;
  readonly ropeTheta: number;
  /** The kind of attention that all layers have; undefined where they differ. */
  readonly layerType: string | undefined;
}

type Neutral = readonly (number | string | boolean)[];

/** Absent, null and empty lists or objects are neutral for every key; a list is when all that is in it is. */
export interface ComputingKey {
  readonly key: string;
  readonly neutral: (sizes: NeutralSizes) => Neutral;
}

const keys = (names: string, neutral: ComputingKey['neutral']): ComputingKey[] =>
  names
    .trim()
    .split(/\s+/)
    .map((key) => ({ key, neutral }));

export const COMPUTING_KEYS: readonly ComputingKey[] = [
  // Factors on embeddings, residuals, attention and logits: Granite, MiniCPM, Cohere, Falcon-H1, Grok, µP, MiniMax.
  ...keys(
    `embedding_multiplier embedding_scale embed_scale emb_scale scale_emb input_embedding_multiplier
    residual_multiplier residual_scale logits_scaling logit_scale logits_scale lm_head_multiplier output_multiplier
    output_multiplier_scale key_multiplier attention_in_multiplier attention_out_multiplier mlp_multipliers
    mup_embedding_multiplier mup_embeddings_scale mup_output_alpha mup_width_scale mup_width_multiplier
    mup_attn_multiplier width_scale full_attn_alpha_factor full_attn_beta_factor mlp_alpha_factor mlp_beta_factor`,
    () => [1],
  ),
  ...keys('scale_depth', ({ layers }) => [Math.sqrt(layers)]),
  ...keys('dim_model_base', ({ hiddenSize }) => [hiddenSize]),
  ...keys(
    'use_mup mup_use_scaling scale_embedding scale_embeddings rescale_embeddings multiply_embeddings',
    () => [false],
  ),
  // The scale of attention scores: Granite, MPT, Gemma 2; GPT-2.
  ...keys('attention_multiplier softmax_scale attention_scale attn_scaling', ({ headDim }) => [
    headDim ** -0.5,
  ]),
  ...keys('query_pre_attn_scalar', ({ headDim }) => [headDim]),
  ...keys('scale_attn_weights', () => [true]),
  ...keys('scale_attn_by_inverse_layer_idx use_logn_attn attn_temperature_tuning', () => [false]),
  // Soft caps and clips: Gemma, Grok, OLMo, DBRX, gpt-oss.
  ...keys(
    `attn_logit_softcapping final_logit_softcapping attn_logit_softcap final_logit_softcap attn_logit_soft_cap
    final_logit_soft_cap attn_softcap attn_soft_cap logit_softcap logit_softcapping logits_softcap logits_soft_cap
    logit_soft_cap output_logit_soft_cap logit_cap attention_logit_cap clip_qkv qkv_clip clip_logits swiglu_limit
    swiglu_clamp activation_clip clamp_hidden_states`,
    () => [0, false],
  ),
  // Rotation of a part of each head, of neighbours, of some layers, or none: GPT-NeoX, GLM, Cohere, SmolLM 3, Llama 4.
  ...keys(
    'partial_rotary_factor rotary_pct rotary_percent rotary_percentage rope_pct rope_percent rope_ratio',
    () => [1],
  ),
  ...keys('rotary_dim rotary_ndims', ({ headDim }) => [headDim]),
  ...keys(
    'rope_base rope_freq_base rotary_base rotary_emb_base rope_local_base_freq local_rope_theta global_rope_theta',
    ({ ropeTheta }) => [ropeTheta],
  ),
  ...keys(
    'rope_interleaved rope_interleave rotary_interleaved rotary_emb_interleaved use_dynamic_ntk',
    () => [false],
  ),
  ...keys('rope_is_neox_style use_rope use_rotary_embedding use_rotary_position_embeddings', () => [true]),
  ...keys('no_rope_layers', () => [1, true]), // a list with 0 for each layer without rotation
  ...keys('no_rope_layer_interval nope_layer_interval', () => [0]),
  ...keys('alibi use_alibi learned_pos_emb use_learned_position_embeddings', () => [false]),
  ...keys('position_embedding_type pos_emb pos_embedding_type', () => ['rope', 'rotary', 'absolute']),
  // Who sees whom: Gemma, Cohere 2, Llama 4, ModernBERT, Qwen 3 Next.
  ...keys('layer_types', ({ layerType }) => (layerType === undefined ? [] : [layerType])),
  ...keys(
    `attention_chunk_size sliding_window_pattern _sliding_window_pattern interleaved_sliding_window
    global_attn_every_n_layers full_attention_interval use_bidirectional_attention prefix_lm num_kv_shared_layers
    use_cla`,
    () => [0, false],
  ),
  ...keys('is_causal', () => [true]),
  // GPT-BigCode as ExLlamaV2 knows it has one key/value head.
  ...keys('multi_query', () => [true]),
  // Norms and how blocks are put together: Cohere, StableLM, GPT-NeoX, Falcon, BLOOM, Nemotron, Baichuan 2, Index.
  ...keys(
    `use_qk_norm qk_norm qk_layernorm use_qk_layernorm qk_ln use_qk_l2norm norm_head use_parallel_residual
    parallel_residual parallel_attn parallel_attention apply_residual_connection_post_layernorm use_post_norm
    use_sandwich_norm layernorm_zero_centered_gamma apply_layernorm_1p layernorm_1p zero_centered_gamma add_unit_offset
    rms_norm_add_unit_offset normalize_embeddings embed_layernorm layernorm_embedding use_embedding_norm
    attn_output_gate use_layer_scale`,
    () => [0, false],
  ),
  ...keys('use_rms_norm use_rmsnorm do_layer_norm_before', () => [true]),
  ...keys('norm_type normalization_type layer_norm_type', () => ['rms', 'rmsnorm', 'rms_norm']),
  ...keys('hidden_activation activation_function', () => ['silu', 'swish']),
  // Other kinds of blocks: experts, latent attention, blocks of several shapes, ternary weights.
  ...keys('num_local_experts num_experts n_routed_experts moe_num_experts', () => [0, 1]),
  // Qwen-MoE: MLPs without experts in some layers, an expert that every token goes through.
  ...keys('decoder_sparse_step', () => [1]),
  ...keys('mlp_only_layers', () => []),
  ...keys('shared_expert_intermediate_size n_shared_experts num_shared_experts', () => [0]),
  ...keys('kv_lora_rank laurel_rank altup_num_inputs activation_sparsity_pattern bskcn_tv', () => [0]),
  ...keys('attn_config ffn_config block_configs layers_block_type', () => []),
  ...keys('weight_bits input_bits', () => [16, 32]),
];

/**
 * Families, as `model_type` in config.json names them, that compute something else than their tensors and keys tell:
 * a unit offset in their norms, scaled embeddings, a LayerNorm, another rotation.
 */
export const OTHER_FAMILIES: ReadonlySet<string> = new Set(
  `apertus arcee bitnet bloom codegen cohere cohere2 diffllama doge ernie4_5 exaone4 falcon gemma gemma2 gemma3
  gemma3_text gemma3n gemma3n_text glm glm4 gpt2 gpt_bigcode gpt_neox gpt_oss gptj granite helium hunyuan_v1_dense index
  llama4 llama4_text minicpm minicpm3 mpt nemotron olmo olmo2 olmo3 opt orion persimmon phi smollm3 stablelm
  starcoder2 vaultgemma`.split(/\s+/),
);
