import firstHalf from '../../../shaders/lib/inverse_first_half.wgsl?raw';
import secondHalf from '../../../shaders/lib/inverse_second_half.wgsl?raw';
import wgsl from '../../../shaders/triangular_inverse/triangular_inverse.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** See the kernel's text. */
const scalars = {
  side: 'u32',
  aStart: 'u32',
  pairs: 'u32',
  start: 'u32',
  rows: 'u32',
  first: 'u32',
  end: 'u32',
  rightFirst: 'u32',
  rightEnd: 'u32',
} as const;

/**
 * Makes the inverses of diagonal blocks of 2·side rows of a lower triangular matrix from those of `side` rows, in two halves:
 * `first` makes `product`, and when that is done for all rows `second` takes it as its right factor.
 */
export const triangularInverse = {
  first: defineKernel({
    name: 'triangular_inverse first',
    wgsl: [firstHalf, wgsl],
    scalars,
    inputs: { left: 'vec4f', right: 'vec4f' },
    outputs: { product: 'vec4f' },
    constants: { SECOND_HALF: false },
    workgroups: ({ side, rows, pairs }) => [Math.ceil(side / 32), Math.ceil(rows / 128), pairs],
  }),
  second: defineKernel({
    name: 'triangular_inverse second',
    wgsl: [secondHalf, wgsl],
    scalars,
    inputs: { right: 'vec4f' },
    outputs: { left: 'vec4f' },
    constants: { SECOND_HALF: true },
    workgroups: ({ side, rows, pairs }) => [Math.ceil(side / 32), Math.ceil(rows / 128), pairs],
  }),
};
