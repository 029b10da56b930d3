import columnFit from '../../../shaders/lib/column_fit.wgsl?raw';
import half from '../../../shaders/lib/half.wgsl?raw';
import wgsl from '../../../shaders/scale/column_code.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** The scale code of each column that errs least under the stored unit. */
export const columnCode = defineKernel({
  name: 'column_code',
  wgsl: [half, columnFit, wgsl],
  scalars: { k: 'u32', n: 'u32', job: 'u32', jobCount: 'u32' },
  inputs: { current: 'vec4f', u: 'f32', base: 'vec4f', scaleMax: 'u32', jobs: 'u32' },
  outputs: { scaleCodes: 'vec4u' },
  workgroups: ({ n, jobCount }) => [Math.ceil(n / 128), jobCount],
});
