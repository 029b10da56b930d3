import { DeviceLostError, OutOfMemoryError } from '../../util/errors.ts';
import type { GpuTensor } from '../tensor.ts';

export const lost = (why: string): DeviceLostError =>
  new DeviceLostError(
    `The GPU device was lost (${why}). The job can be started again and goes on from its last finished module.`,
  );

/** Nothing here unmaps a buffer that is being mapped: an aborted mapping may be the first sign of a lost device. */
export const readFailure = ({ block, size }: GpuTensor, error: unknown): Error =>
  (error as Error).name === 'AbortError'
    ? lost(String(error))
    : new OutOfMemoryError(`${block.label} (${size} bytes) cannot be read from the GPU: ${String(error)}`);
