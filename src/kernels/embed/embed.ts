import wgsl from '../../../shaders/embed/embed.wgsl?raw';
import flat from '../../../shaders/lib/flat.wgsl?raw';
import half from '../../../shaders/lib/half.wgsl?raw';
import stored from '../../../shaders/lib/stored.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

const embedder = (entryPoint: string) =>
  defineKernel({
    name: `embed ${entryPoint}`,
    wgsl: [flat, half, stored, wgsl],
    entryPoint,
    scalars: { m: 'u32', k: 'u32' },
    inputs: { source: 'u32', place: 'u32' },
    outputs: { y: 'f32' },
    workgroups: ({ m, k }) => [Math.ceil((m * k) / 64)],
  });

/** y (m, k) f32: vector `place` (m) of each token, from vectors (…, k) as they lie in a file, by the file's dtype. */
export const embed = { F32: embedder('from_f32'), F16: embedder('from_f16'), BF16: embedder('from_bf16') };
