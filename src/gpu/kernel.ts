/**
 * A kernel is data: its WGSL, the scalars and tensors that it takes by name, and how many workgroups it needs.
 * `defineKernel` writes the WGSL's declarations of these names.
 */

import { assert } from '../util/errors.ts';
import { type Constants, type ElementType, preamble, type Signature } from './wgsl/preamble.ts';
import { expandRepeats } from './wgsl/repeat.ts';

export type Workgroups = readonly [x: number, y?: number, z?: number];

export interface Kernel<S extends string = string, I extends string = string, O extends string = string>
  extends Signature<S, I, O> {
  /** Its own: stem of the WGSL file, with a suffix where that makes several kernels. For labels and timings too. */
  readonly name: string;
  readonly wgsl: string;
  readonly entryPoint: string;
  /**
   * Workgroups for these scalars. A first dimension above the limit of 65535 is folded into the second when the
   * others are 1; such a kernel takes its index from `flat_workgroup` (shaders/lib/flat.wgsl).
   */
  readonly workgroups: (scalars: Readonly<Record<S, number>>) => Workgroups;
}

interface KernelDefinition<S extends string, I extends string, O extends string> extends Signature<S, I, O> {
  name: string;
  /** Sources in order; shared functions first. */
  wgsl: readonly string[];
  entryPoint?: string;
  /** What WGSL wants before all else. */
  directives?: readonly string[];
  /** `#repeat` takes the numbers as well. */
  constants?: Constants;
  workgroups: (scalars: Readonly<Record<S, number>>) => Workgroups;
}

export function defineKernel<const S extends string, const I extends string, const O extends string>({
  wgsl,
  entryPoint = 'main',
  directives = [],
  constants = {},
  ...definition
}: KernelDefinition<S, I, O>): Kernel<S, I, O> {
  const text = expandRepeats(wgsl.join('\n'), constants);
  return { ...definition, entryPoint, wgsl: `${preamble(definition, constants, directives)}\n${text}` };
}

/** Another kernel that takes what `kernel` takes, where named with other elements, and makes the same of it. */
export const defineVariant = <S extends string, I extends string, O extends string>(
  kernel: Kernel<S, I, O>,
  definition: Omit<KernelDefinition<S, I, O>, keyof Signature> & {
    readonly inputs?: Readonly<Partial<Record<I, ElementType>>>;
    readonly outputs?: Readonly<Partial<Record<O, ElementType>>>;
  },
): Kernel<S, I, O> =>
  defineKernel({
    ...definition,
    scalars: kernel.scalars,
    inputs: { ...kernel.inputs, ...definition.inputs },
    outputs: { ...kernel.outputs, ...definition.outputs },
  });

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
