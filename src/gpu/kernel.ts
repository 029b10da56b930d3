/**
 * A kernel is data: its WGSL, the scalars and tensors that it takes by name, and how many workgroups it needs.
 *
 * Binding 0 is a uniform struct that holds the scalars in their declared order; inputs (read-only storage) follow
 * from binding 1, then outputs (read-write storage), each in declared order.
 */

import { assert } from '../util/errors.ts';
import { expandRepeats } from './repeat.ts';

export type ScalarType = 'u32' | 'i32' | 'f32';

export type Workgroups = readonly [x: number, y?: number, z?: number];

export interface Kernel<S extends string = string, I extends string = string, O extends string = string> {
  /** Stem of the WGSL file, for labels and timings; with a suffix where a file has several entry points. */
  readonly name: string;
  readonly wgsl: string;
  readonly entryPoint: string;
  readonly scalars: Readonly<Record<S, ScalarType>>;
  readonly inputs: readonly I[];
  readonly outputs: readonly O[];
  /** Values of the `override` constants. */
  readonly constants: Readonly<Record<string, number>>;
  /**
   * Workgroups for these scalars. A first dimension above the limit of 65535 is folded into the second when the
   * others are 1; such a kernel takes its index from `flat_workgroup` (shaders/lib/flat.wgsl).
   */
  readonly workgroups: (scalars: Readonly<Record<S, number>>) => Workgroups;
}

interface KernelDefinition<S extends string, I extends string, O extends string> {
  name: string;
  /** Sources in order; shared functions first. */
  wgsl: readonly string[];
  entryPoint?: string;
  scalars: Record<S, ScalarType>;
  inputs: readonly I[];
  outputs: readonly O[];
  constants?: Record<string, number>;
  /** Of what the WGSL is unrolled by: constants of its text, which `#repeat` takes as well. */
  counts?: Record<string, number>;
  workgroups: (scalars: Readonly<Record<S, number>>) => Workgroups;
}

export function defineKernel<const S extends string, const I extends string, const O extends string>({
  counts = {},
  ...definition
}: KernelDefinition<S, I, O>): Kernel<S, I, O> {
  const declared = Object.entries(counts).map(([name, count]) => `const ${name} = ${count}u;`);
  return {
    ...definition,
    wgsl: expandRepeats([...declared, ...definition.wgsl].join('\n'), counts),
    entryPoint: definition.entryPoint ?? 'main',
    constants: definition.constants ?? {},
  };
}

/** Another kernel that takes what `kernel` takes, and makes the same of it. */
export const defineVariant = <S extends string, I extends string, O extends string>(
  { scalars, inputs, outputs }: Kernel<S, I, O>,
  definition: Omit<KernelDefinition<S, I, O>, 'scalars' | 'inputs' | 'outputs'>,
): Kernel<S, I, O> => defineKernel({ ...definition, scalars, inputs, outputs });

/** WebGPU's limit for each dimension. */
const MAX_WORKGROUPS = 65535;

/** The grid with a long first dimension folded into the second. */
export function foldWorkgroups({ wgsl }: Kernel, [x, y = 1, z = 1]: Workgroups): [number, number, number] {
  if (x <= MAX_WORKGROUPS && y <= MAX_WORKGROUPS && z <= MAX_WORKGROUPS) return [x, y, z];
  const canFold = y === 1 && z === 1 && wgsl.includes('flat_workgroup(');
  assert(canFold, `grid of ${x}×${y}×${z} workgroups is over the limit of ${MAX_WORKGROUPS}`);
  const rows = Math.ceil(x / MAX_WORKGROUPS);
  return [Math.ceil(x / rows), rows, 1];
}
