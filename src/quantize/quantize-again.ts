import type { CalibrationRows } from '../calibrate/rows.ts';
import { WorkerLostError, type WorkerPool } from '../distribute/leader/worker-pool.ts';
import type { StageContext } from '../job/context.ts';
import { tooLittleMemory } from '../pass/batch-size.ts';
import { type QuantizeChoice, type QuantizeResult, quantize } from './quantize.ts';
import { SpoiledStatesError } from './rows-pass.ts';

/**
 * Quantizes; when a worker is lost or memory ran out on the way, goes on from the last finished module.
 * @throws OutOfMemoryError when not even one row at a time fits.
 */
export async function quantizeAgain(
  context: StageContext,
  pool: WorkerPool,
  rows: CalibrationRows,
  choice: Omit<QuantizeChoice, 'mostRows'>,
): Promise<QuantizeResult> {
  const { memory } = context.gpu;
  for (let mostRows = rows.rows; ; ) {
    const { budget } = memory;
    try {
      return await quantize(context, pool, rows, { ...choice, mostRows });
    } catch (error) {
      if (error instanceof SpoiledStatesError) {
        // With a budget that the driver has just cut, fewer states stay on the GPU.
        if (error.batch === 1 && memory.budget === budget) throw tooLittleMemory('The quantization', error);
        mostRows = Math.ceil(error.batch / 2);
      } else if (!(error instanceof WorkerLostError)) throw error;
    } finally {
      pool.warnOfLost();
    }
  }
}
