import half from '../../../shaders/lib/half.wgsl?raw';
import stored from '../../../shaders/lib/stored.wgsl?raw';
import wgsl from '../../../shaders/load_weight/load_weight.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

const loader = (entryPoint: string) =>
  defineKernel({
    name: `load_weight ${entryPoint}`,
    wgsl: [half, stored, wgsl],
    entryPoint,
    scalars: { k: 'u32', n: 'u32', nPadded: 'u32' },
    inputs: { source: 'u32' },
    outputs: { w: 'f32' },
    workgroups: ({ k, nPadded }) => [k / 32, Math.ceil(nPadded / 32)],
  });

/** Weight (n, k) as it lies in a file to f32 (k, nPadded), by the file's dtype. */
export const loadWeight = { F32: loader('from_f32'), F16: loader('from_f16'), BF16: loader('from_bf16') };
