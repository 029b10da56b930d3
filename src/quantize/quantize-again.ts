import type { CalibrationRows } from '../calibrate/rows.ts';
import { WorkerLostError, type WorkerPool } from '../distribute/leader/worker-pool.ts';
import { LAST_TRIES, tooLittleMemory } from '../gpu/enough-memory.ts';
import type { StageContext } from '../job/context.ts';
import { shortageTo } from '../pass/batch-size.ts';
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
  const { gpu } = context;
  const tell = shortageTo(context.emit);
  let tries = LAST_TRIES;
  for (let mostRows = rows.rows; ; ) {
    const { budget } = gpu.memory;
    try {
      return await quantize(context, pool, rows, { ...choice, mostRows });
    } catch (error) {
      if (error instanceof SpoiledStatesError) {
        await gpu.recover();
        // With a budget that the driver has just cut, fewer states stay on the GPU.
        const isCut = gpu.memory.budget < budget;
        if (error.batch === 1 && !isCut && tries-- === 0)
          throw tooLittleMemory(gpu, 'The quantization', error);
        mostRows = Math.ceil(error.batch / 2);
        tell(begunAgain(error, mostRows));
      } else if (!(error instanceof WorkerLostError)) throw error;
    } finally {
      pool.warnOfLost();
    }
  }
}

const begunAgain = ({ message }: SpoiledStatesError, rows: number): string =>
  `GPU memory was short while the calibration states changed: ${message}. The quantization goes on from its last ` +
  `finished module, with ${rows === 1 ? 'one row' : `at most ${rows} rows`} at a time.`;
