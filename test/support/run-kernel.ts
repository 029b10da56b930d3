import type { Gpu, KernelArguments } from '../../src/gpu/gpu.ts';
import type { Kernel } from '../../src/gpu/kernel.ts';
import { withScope } from '../../src/gpu/scope.ts';

export type Contents = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Runs `kernel` once on tensors with these contents; gives what its outputs hold afterwards. */
export async function runKernel<
  S extends string,
  I extends string,
  O extends string,
  T extends Record<I | O, Contents>,
>(gpu: Gpu, kernel: Kernel<S, I, O>, scalars: Readonly<Record<S, number>>, contents: T): Promise<Pick<T, O>> {
  return withScope(gpu, async (scope) => {
    const names = Object.keys({ ...kernel.inputs, ...kernel.outputs }) as (I | O)[];
    const tensors = Object.fromEntries(names.map((name) => [name, scope.upload(contents[name], name)]));
    const args = { ...scalars, ...tensors } as KernelArguments<S, I, O>;
    gpu.run(kernel, args);
    const outputs = (Object.keys(kernel.outputs) as O[]).map(async (name) => {
      const bytes = await gpu.read(args[name]);
      return [
        name,
        contents[name] instanceof Float32Array ? new Float32Array(bytes) : new Uint32Array(bytes),
      ];
    });
    return Object.fromEntries(await Promise.all(outputs)) as Pick<T, O>;
  });
}
