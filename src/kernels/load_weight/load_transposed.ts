import flat from '../../../shaders/lib/flat.wgsl?raw';
import half from '../../../shaders/lib/half.wgsl?raw';
import stored from '../../../shaders/lib/stored.wgsl?raw';
import wgsl from '../../../shaders/load_weight/load_transposed.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

const loader = (entryPoint: string) =>
  defineKernel({
    name: `load_transposed ${entryPoint}`,
    wgsl: [flat, half, stored, wgsl],
    entryPoint,
    scalars: { k: 'u32', n: 'u32', nPadded: 'u32' },
    inputs: { source: 'u32' },
    outputs: { w: 'f32' },
    workgroups: ({ k, nPadded }) => [Math.ceil((k * nPadded) / 64)],
  });

/** Weight (k, n) with its file's bytes to f32 (k, nPadded), by the file's dtype. */
export const loadTransposed = {
  F32: loader('from_f32'),
  F16: loader('from_f16'),
  BF16: loader('from_bf16'),
};
