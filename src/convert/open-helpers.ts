import type { Speeds } from '../autotune/measure-speeds.ts';
import type { JobRows } from '../calibrate/rows.ts';
import type { HelperJob } from '../distribute/leader/api.ts';
import { Helper } from '../distribute/leader/crew.ts';
import type { ConvertSettings } from '../job/settings.ts';
import type { ConvertJob } from './convert-job.ts';

/**
 * Opens the job in all its helpers at once; those that cannot take part are left out, with a warning.
 * @param speeds the leader's.
 * @param starts number of the module that each will likely measure first, if any: it goes before it at once.
 */
export async function openHelpers(
  { helpers = [], adapter: own, settings, emit }: ConvertJob,
  rows: JobRows,
  speeds: Speeds | undefined,
  starts: readonly (number | undefined)[],
): Promise<Helper[]> {
  const measured = speeds && { adapter: own.name, speeds };
  const { measurement, quantization } = rows;
  const told: HelperJob = {
    ...{ settings: settingsOf(settings), measurement },
    ...(quantization && { quantization }),
    ...(measured && { measured }),
  };
  const opened = await Promise.all(
    helpers.map(async (link, i) => {
      try {
        const { adapter, flopsPerSecond } = await Promise.race([link.api.open(told, starts[i]), link.ended]);
        const helper = new Helper(i + 2, link, adapter, flopsPerSecond);
        helper.position = starts[i] ?? 0;
        return [helper];
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
}: ConvertSettings): HelperJob['settings'] => ({
  quantizer,
  precision,
  ...(ropeScale !== undefined && { ropeScale }),
  ...(ropeAlpha !== undefined && { ropeAlpha }),
});
