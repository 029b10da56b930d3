import wgsl from '../../../shaders/descent/descent_sweep_tiled.wgsl?raw';
import exl2 from '../../../shaders/lib/exl2.wgsl?raw';
import half from '../../../shaders/lib/half.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { descentSweep } from './descent_sweep.ts';

/** As `descent_sweep`, through workgroup memory, for blocks of at most 128 rows, all multiples of 8. */
export const descentSweepTiled = defineVariant(descentSweep, {
  name: 'descent_sweep_tiled',
  wgsl: [half, exl2, wgsl],
  workgroups: ({ n }) => [Math.ceil(n / 16)],
});
