import { chooseVariants } from '../../autotune/choose-variants.ts';
import { measureFlops } from '../../autotune/measure-speeds.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { withScope } from '../../gpu/scope.ts';

/** What this adapter reaches in the plainest use. */
export interface Ceilings {
  /** Floating-point operations per second, of a large f32 matrix product. */
  readonly flops: number;
  /** Bytes read and written per second, of a copy from buffer to buffer. */
  readonly bandwidth: number;
}

/** Larger than caches; a software adapter has no time for that. */
const COPY_BYTES = 2 ** 28;
const SOFTWARE_COPY_BYTES = 2 ** 24;
const ENOUGH_SECONDS = 0.1;

/** Takes about a second. */
export async function measureCeilings(gpu: Gpu, software: boolean): Promise<Ceilings> {
  await chooseVariants(gpu, 'f32');
  const flops = await measureFlops(gpu);
  return { flops, bandwidth: await measureCopies(gpu, software ? SOFTWARE_COPY_BYTES : COPY_BYTES) };
}

function measureCopies(gpu: Gpu, wanted: number): Promise<number> {
  const size = Math.min(wanted, 2 ** Math.floor(Math.log2(gpu.memory.available / 4)));
  return withScope(gpu, async (scope) => {
    const [source, target] = [scope.alloc([size / 4], 'source'), scope.alloc([size / 4], 'target')];
    gpu.copy(source, target); // memory is taken at its first use
    await gpu.sync();
    for (let count = 1; ; count *= 2) {
      const started = performance.now();
      for (let i = 0; i < count; i++) gpu.copy(source, target);
      await gpu.sync();
      const seconds = (performance.now() - started) / 1000;
      if (seconds >= ENOUGH_SECONDS) return (2 * size * count) / seconds;
    }
  });
}
