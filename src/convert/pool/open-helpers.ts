import type { ConvertJob } from '../convert-job.ts';
import type { ConvertSettings } from '../settings.ts';
import type { HelperJob } from './api.ts';
import { Helper } from './crew.ts';

/**
 * Opens the job in all its helpers at once; those that cannot take part are left out, with a warning.
 * @param speed the leader's.
 * @param first number of the module that the leader will measure first, if any: each helper goes before a later one.
 */
export async function openHelpers(
  { helpers = [], adapter: own, settings, emit }: ConvertJob,
  rows: Omit<HelperJob, 'settings'>,
  speed: number,
  first: number | undefined,
): Promise<Helper[]> {
  const told: HelperJob = { settings: settingsOf(settings), ...rows };
  const opened = await Promise.all(
    helpers.map(async (link, i) => {
      try {
        const { adapter, flopsPerSecond } = await Promise.race([
          link.api.open(told, first === undefined ? undefined : first + i + 1),
          link.ended,
        ]);
        // Of the same kind: what differs is chance, and would make the shares differ from run to run.
        return [new Helper(i + 2, link, adapter, adapter === own.name ? speed : flopsPerSecond)];
      } catch (error) {
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
