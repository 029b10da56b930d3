/** What a bitrate comes to: bytes on disk and in GPU memory. Estimates from the model's shape, before any work. */

import type { ModelFacts } from '../../workers/api/model.ts';
import { headParams } from '../exl2/candidates.ts';
import { totalBits } from '../exl2/groups.ts';
import type { BitWidth } from '../exl2/params.ts';

/** Σ k·n of the attention and MLP linears: what "bits per weight" is an average over. */
export const weightCount = (model: ModelFacts): number =>
  model.modules.reduce((sum, { weights }) => sum + weights, 0);

/** Bytes of the output's weight files when the modules take `usedBits` together. */
export function outputBytes(model: ModelFacts, usedBits: number, headBits: BitWidth): number {
  return Math.round(usedBits / 8 + headBytes(model, headBits) + storedBytes(model));
}

const headBytes = ({ hiddenSize, vocabSize }: ModelFacts, headBits: BitWidth): number =>
  totalBits(hiddenSize, vocabSize, headParams(headBits), false) / 8;

/** What the head's bits come to with scales and indices. */
export const headBitsPerWeight = (model: ModelFacts, headBits: BitWidth): number =>
  (headBytes(model, headBits) * 8) / (model.hiddenSize * model.vocabSize);

/** Embedding and norms stay f16. */
const storedBytes = ({ hiddenSize, vocabSize, layers }: ModelFacts): number =>
  2 * hiddenSize * (vocabSize + 2 * layers + 1);

/** Keys and values of `tokens` tokens in f16. */
export const cacheBytes = ({ layers, kvHeads, headDim }: ModelFacts, tokens: number): number =>
  2 * 2 * layers * kvHeads * headDim * tokens;

/** GPU memory that running the output takes: quantized weights and cache; the embedding stays in main memory. */
export function runBytes(
  model: ModelFacts,
  usedBits: number,
  headBits: BitWidth,
  cacheTokens: number,
): number {
  const embedding = 2 * model.hiddenSize * model.vocabSize;
  return outputBytes(model, usedBits, headBits) - embedding + cacheBytes(model, cacheTokens);
}

/** The bits per weight at which the output runs in `gpuBytes`; it may be below every possible bitrate. */
export function bitsThatFit(
  model: ModelFacts,
  gpuBytes: number,
  headBits: BitWidth,
  cacheTokens: number,
): number {
  return ((gpuBytes - runBytes(model, 0, headBits, cacheTokens)) * 8) / weightCount(model);
}
