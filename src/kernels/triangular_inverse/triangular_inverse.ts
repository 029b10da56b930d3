import wgsl from '../../../shaders/triangular_inverse/triangular_inverse.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

const half = (name: string, isSecond: boolean) =>
  defineKernel({
    name: `triangular_inverse ${name}`,
    wgsl: [wgsl],
    scalars: { k: 'u32', side: 'u32', start: 'u32', rows: 'u32' },
    inputs: {},
    outputs: { l: 'vec4f', u: 'vec4f' },
    constants: { SECOND_HALF: isSecond },
    workgroups: ({ k, side, rows }) => [
      Math.ceil(side / 32),
      Math.ceil(rows / 128),
      Math.ceil((k - side) / (2 * side)),
    ],
  });

/**
 * Makes the inverses of diagonal blocks of 2·side rows in l (k, k) from those of `side` rows, for rows `start` …
 * start+rows−1 of their lower halves. The second half follows when the first is done for all rows; u (k, k) holds what
 * it takes, in its lower triangle.
 */
export const triangularInverse = { first: half('first', false), second: half('second', true) };
