import type { Speeds } from '../autotune/measure-speeds.ts';
import type { JobRows } from '../calibrate/rows.ts';
import type { WorkerJob } from '../distribute/leader/api.ts';
import { RemoteWorker } from '../distribute/leader/worker-pool.ts';
import type { ConvertSettings } from '../job/settings.ts';
import type { ConvertJob } from './convert-job.ts';

/**
 * Opens the job in all other workers at once; those that cannot take part are left out, with a warning.
 * @param speeds the leader's.
 * @param stateRoom bytes that the states of each may take in main memory.
 * @param starts number of the module that each will likely measure first, if any: it goes before it at once.
 */
export async function openWorkers(
  { remotes = [], adapter: own, settings, emit }: ConvertJob,
  rows: JobRows,
  speeds: Speeds | undefined,
  starts: readonly (number | undefined)[],
  stateRoom: number,
): Promise<RemoteWorker[]> {
  const measured = speeds && { adapter: own.name, speeds };
  const { measurement, quantization } = rows;
  const told: WorkerJob = {
    ...{ settings: settingsOf(settings), measurement },
    ...(quantization && { quantization }),
    ...(measured && { measured }),
    ...(Number.isFinite(stateRoom) && { stateRoom }),
  };
  const opened = await Promise.all(
    remotes.map(async (link, i) => {
      try {
        const { adapter, flopsPerSecond } = await Promise.race([link.api.open(told, starts[i]), link.ended]);
        const worker = new RemoteWorker(i + 2, link, adapter, flopsPerSecond);
        worker.position = starts[i] ?? 0;
        return [worker];
      } catch (error) {
        if ((error as Error).name === 'AbortError') throw error;
        emit({ type: 'warning', message: `${link.name} cannot take part: ${(error as Error).message}` });
        return [];
      }
    }),
  );
  return opened.flat();
}

const settingsOf = ({
  quantizer,
  precision,
  ropeScale,
  ropeAlpha,
}: ConvertSettings): WorkerJob['settings'] => ({
  quantizer,
  precision,
  ...(ropeScale !== undefined && { ropeScale }),
  ...(ropeAlpha !== undefined && { ropeAlpha }),
});
