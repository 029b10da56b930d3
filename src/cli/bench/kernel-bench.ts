import type { Gpu } from '../../gpu/gpu.ts';
import { withScope } from '../../gpu/scope.ts';
import { InputError, OutOfMemoryError } from '../../util/errors.ts';
import { DIVISORS, KernelInputs, sizesOver } from './kernel-inputs.ts';
import { type Dispatch, KERNELS } from './kernel-registry.ts';
import { kernelWork } from './kernel-work.ts';

/** One kernel at one size. */
export interface KernelResult {
  readonly kernel: string;
  /** The kernel's scalars, in words. */
  readonly size: string;
  /** Of one dispatch. */
  readonly seconds: number;
  readonly flops?: number;
  readonly bytes?: number;
}

/** The next size takes up to eight times as long; this much a dispatch may take. */
const MOST_SECONDS = 1;
const GROWTH = 8;
/** Dispatches are repeated for so long. */
const ENOUGH_SECONDS = 0.5;
const MOST_DISPATCHES = 2000;

export const ALL_KERNELS = 'all';

/** Throws InputError for a kernel that is not in the registry. */
export function chosenKernels(names: readonly string[]): string[] {
  const known = Object.keys(KERNELS);
  const unknown = names.find((name) => name !== ALL_KERNELS && !known.includes(name));
  if (unknown !== undefined) {
    throw new InputError(`--kernel ${unknown}: expected ${ALL_KERNELS} or some of ${known.join(', ')}.`);
  }
  return names.includes(ALL_KERNELS) ? known : [...new Set(names)];
}

/**
 * Times one kernel, at the largest size at which a dispatch takes about a second at most and that fits the memory
 * budget: on a GPU that of a layer with hidden size 4096 and MLP size 14336. Nothing where this GPU cannot build it:
 * gemm_wide takes more workgroup memory than WebGPU guarantees.
 */
export async function benchKernel(
  gpu: Gpu,
  name: string,
  signal: AbortSignal,
): Promise<KernelResult | undefined> {
  let result: KernelResult | undefined;
  for (const divisor of DIVISORS) {
    signal.throwIfAborted();
    try {
      result = await benchAt(gpu, name, divisor);
    } catch (error) {
      if (error instanceof OutOfMemoryError && result) return result;
      throw error;
    } finally {
      gpu.memory.trim();
    }
    if (!result || result.seconds * GROWTH > MOST_SECONDS) break;
  }
  return result;
}

function benchAt(gpu: Gpu, name: string, divisor: number): Promise<KernelResult | undefined> {
  return withScope(gpu, async (scope) => {
    const dispatch = KERNELS[name]!(new KernelInputs(gpu, scope, sizesOver(divisor)));
    if (divisor === DIVISORS[0] && !(await gpu.accepts(dispatch.kernel))) return undefined;
    await time(gpu, dispatch, 1); // compiles, and waits for the inputs
    let seconds = await time(gpu, dispatch, 1);
    const isLast = divisor === DIVISORS.at(-1) || seconds * GROWTH > MOST_SECONDS;
    if (isLast && seconds < ENOUGH_SECONDS) {
      const count = Math.min(MOST_DISPATCHES, Math.ceil(ENOUGH_SECONDS / seconds));
      seconds = (await time(gpu, dispatch, count)) / count;
    }
    const { kernel, args } = dispatch;
    const size = Object.keys(kernel.scalars).map((scalar) => `${scalar} ${args[scalar]}`);
    return { kernel: kernel.name, size: size.join(', '), seconds, ...kernelWork(kernel, args) };
  });
}

/** Seconds of `count` dispatches. */
async function time(gpu: Gpu, { kernel, args }: Dispatch, count: number): Promise<number> {
  const itself = { ...kernel }; // and not a variant that the device prefers
  const started = performance.now();
  for (let i = 0; i < count; i++) gpu.run(itself, args);
  await gpu.sync();
  return (performance.now() - started) / 1000;
}
