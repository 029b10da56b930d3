import { padColumns } from '../exl2/packed-linear.ts';
import { bufferBytes } from '../gpu/memory.ts';
import type { LinearSpec, ModelPlan } from '../model/spec.ts';
import { UnsupportedError } from '../util/errors.ts';
import { formatByteSize } from '../util/text/byte-size.ts';

const widthOf = ({ k, n }: LinearSpec): number => Math.max(k, padColumns(n));

/**
 * Bytes of the largest buffer that cannot be cut: what a row of `length` tokens is within a module. (Weights are cut into
 * slices that a buffer can hold, Hessians into panels that all GPUs can.)
 */
export const largestBufferOfRows = ({ modules }: Pick<ModelPlan, 'modules'>, length: number): number =>
  bufferBytes(length * Math.max(...modules.flatMap(({ linears }) => linears.map(widthOf))) * 4);

/** Makes sure at the start that rows of `length` tokens fit into buffers of `limit` bytes: no budget makes these larger. */
export function checkBuffers({ modules }: Pick<ModelPlan, 'modules'>, length: number, limit: number): void {
  for (const linear of modules.flatMap(({ linears }) => linears)) {
    const width = widthOf(linear);
    const bytes = bufferBytes(length * width * 4);
    if (bytes <= limit) continue;
    const fits = Math.floor(limit / (width * 4));
    throw new UnsupportedError(
      `${linear.key}: a calibration row of ${length} tokens with ${width} features each takes ${formatByteSize(bytes)} in one ` +
        `buffer, and this GPU with this driver or browser allows ${formatByteSize(limit)}. Calibrate with rows of at most ` +
        `${fits} tokens (--length and --measurement_length; in the page, the quick preset).`,
    );
  }
}
