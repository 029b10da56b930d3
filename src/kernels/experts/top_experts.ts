import wgsl from '../../../shaders/experts/top_experts.wgsl?raw';
import flat from '../../../shaders/lib/flat.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/**
 * Of each token the `perToken` experts with the largest of softmax(logits), (tokens, perToken) u32, and their probabilities
 * as weights f32, divided by their sum where `normalized` is 1. logits (tokens, columns), of which the first `experts`
 * count; at least `perToken` of them.
 */
export const topExperts = defineKernel({
  name: 'top_experts',
  wgsl: [flat, wgsl],
  scalars: { tokens: 'u32', experts: 'u32', columns: 'u32', perToken: 'u32', normalized: 'u32' },
  inputs: { logits: 'f32' },
  outputs: { chosen: 'u32', weights: 'f32' },
  workgroups: ({ tokens }) => [Math.ceil(tokens / 64)],
});
