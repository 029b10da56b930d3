import flat from '../../../shaders/lib/flat.wgsl?raw';
import wgsl from '../../../shaders/model/cross_entropy.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Negative log-likelihood (nats) of `targets` (m) under logits (m, n). */
export const crossEntropy = defineKernel({
  name: 'cross_entropy',
  wgsl: [flat, wgsl],
  scalars: { m: 'u32', n: 'u32', vocabulary: 'u32' },
  inputs: ['logits', 'targets'],
  outputs: ['loss'],
  workgroups: ({ m }) => [m],
});
