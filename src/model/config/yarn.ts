import type { Fields } from './fields.ts';

/**
 * YaRN (Peng et al. 2023): pairs of dimensions that turn often within the original context keep their frequencies, those
 * that turn seldom are slowed down by `factor`, and between pair number `first` and number `last` one goes over into the
 * other. cos and sin are multiplied by `amplitude`.
 */
export interface YarnRope {
  readonly factor: number;
  readonly first: number;
  readonly last: number;
  readonly amplitude: number;
}

const POSITIVE = { min: 1e-6, max: 1e12 };
/** Turns within the original context from which frequencies stay, and below which they are divided. */
const FAST = 32;
const SLOW = 1;
/** Where first and last pair are one, the step between them has this width. */
const LEAST_WIDTH = 0.001;

/**
 * @param config where the original context may be stated beside the rope parameters. @param rotated dimensions.
 * @param maxPositions the model's context. @throws InputError for wrong numbers.
 */
export function parseYarn(
  config: Fields,
  rope: Fields,
  rotated: number,
  theta: number,
  maxPositions: number,
): YarnRope {
  const context = config.number('max_position_embeddings', POSITIVE) ?? maxPositions;
  const key = 'original_max_position_embeddings';
  const original = config.number(key, POSITIVE) ?? rope.number(key, POSITIVE) ?? context;
  const factor = rope.number('factor', POSITIVE) ?? context / original;
  /** Number of the pair that turns so often within the original context. */
  const pairOf = (turns: number) =>
    (rotated * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const isWhole = rope.boolean('truncate', true);
  // 0 is as good as none, as transformers has it.
  const fast = pairOf(rope.number('beta_fast', { ...POSITIVE, min: 0 }) || FAST);
  const slow = pairOf(rope.number('beta_slow', { ...POSITIVE, min: 0 }) || SLOW);
  const first = Math.max(0, isWhole ? Math.floor(fast) : fast);
  const last = Math.min(rotated - 1, isWhole ? Math.ceil(slow) : slow);
  return {
    ...{ factor, first, last: first === last ? last + LEAST_WIDTH : last },
    amplitude: rope.number('attention_factor', { ...POSITIVE, min: 0 }) ?? amplitudeOf(rope, factor),
  };
}

function amplitudeOf(rope: Fields, factor: number): number {
  const scale = { ...POSITIVE, min: 0 };
  const [own, all] = [rope.number('mscale', scale), rope.number('mscale_all_dim', scale)];
  const grown = (share: number) => (factor <= 1 ? 1 : 0.1 * share * Math.log(factor) + 1);
  return own && all ? grown(own) / grown(all) : grown(1);
}

/** What the frequency of pair number `pair` becomes. */
export function yarnFrequency(frequency: number, pair: number, { factor, first, last }: YarnRope): number {
  const slowed = Math.min(1, Math.max(0, (pair - first) / (last - first)));
  return (slowed * frequency) / factor + (1 - slowed) * frequency;
}
