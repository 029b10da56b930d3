import { padColumns } from '../exl2/packed-linear.ts';
import { bufferBytes } from '../gpu/memory.ts';
import type { ModelPlan } from '../model/spec.ts';
import { UnsupportedError } from '../util/errors.ts';
import { formatByteSize } from '../util/text/byte-size.ts';

/**
 * Makes sure at the start that each linear of the modules and its Hessian fit into a buffer of `limit` bytes: no
 * budget makes a GPU's buffers larger. (The head is cut into slices.)
 */
export function checkBuffers({ modules }: ModelPlan, limit: number): void {
  for (const { key, k, n } of modules.flatMap(({ linears }) => linears)) {
    const needs = [
      [`the Hessian of its ${k} input features`, bufferBytes(k * k * 4)],
      ['its weight', bufferBytes(k * padColumns(n) * 4)],
    ] as const;
    for (const [what, bytes] of needs) {
      if (bytes <= limit) continue;
      throw new UnsupportedError(
        `${key}: ${what} takes ${formatByteSize(bytes)} in one buffer, and this GPU with this driver or browser allows ` +
          `${formatByteSize(limit)}. Another one may allow up to 4 GiB.`,
      );
    }
  }
}
