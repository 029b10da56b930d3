/**
 * What is added to a Hessian's diagonal before it is factored: `ratio` times each element itself, and `constant`. It
 * stands for what calibration could not see: inputs that are few tokens' doing, or that other text has louder.
 *
 * ExLlamaV2 adds a share of the mean. Where a few inputs are a hundred times as loud as the others the mean is theirs,
 * and it drowns the others' correlations. The refined quantizer adds to each input a share of its own power, so that
 * every correlation shrinks alike, and a little of the geometric mean, which loud inputs do not move, for those that
 * calibration hardly reached.
 */

import type { QuantizerMethod } from './method.ts';

export interface Damping {
  readonly ratio: number;
  readonly constant: number;
}

/** Of the mean (ExLlamaV2's default). */
const SHARE_OF_MEAN = 0.12;
/** See docs/refined.md. */
const SHARE_OF_OWN = 0.2;
const SHARE_OF_GEOMETRIC_MEAN = 0.05;
const LEAST = 1e-5;

/** @param diagonal of H, finite, none below zero. */
export function dampingOf(method: QuantizerMethod, diagonal: readonly number[]): Damping {
  if (method === 'exllamav2') {
    const mean = diagonal.reduce((a, b) => a + b, 0) / diagonal.length;
    return { ratio: 0, constant: Math.max(SHARE_OF_MEAN * mean, LEAST) };
  }
  return {
    ratio: SHARE_OF_OWN,
    constant: Math.max(SHARE_OF_GEOMETRIC_MEAN * geometricMean(diagonal), LEAST),
  };
}

/** Of those that are not zero; 0 when all are. */
function geometricMean(values: readonly number[]): number {
  const logarithms = values.flatMap((value) => (value > 0 ? [Math.log(value)] : []));
  if (logarithms.length === 0) return 0;
  return Math.exp(logarithms.reduce((a, b) => a + b, 0) / logarithms.length);
}
