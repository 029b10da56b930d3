import type { ConvertJob } from '../convert-job.ts';
import type { ConvertSettings } from '../settings.ts';
import type { HelperJob } from './api.ts';
import { Helper } from './crew.ts';

/**
 * Opens the job in all its helpers at once; those that cannot take part are left out, with a warning.
 * @param speed the leader's.
 * @param measured the modules that will be measured, if any: each helper goes before one of its own at once.
 */
export async function openHelpers(
  { helpers = [], adapter: own, settings, emit }: ConvertJob,
  rows: Omit<HelperJob, 'settings'>,
  speed: number,
  measured: { readonly first: number; readonly last: number } | undefined,
): Promise<Helper[]> {
  const told: HelperJob = { settings: settingsOf(settings), ...rows };
  const opened = await Promise.all(
    helpers.map(async (link, i) => {
      // The leader takes the first one.
      const before = measured && Math.min(measured.first + i + 1, measured.last);
      try {
        const { adapter, flopsPerSecond } = await Promise.race([link.api.open(told, before), link.ended]);
        // Of the same kind: what differs is chance, and would make the shares differ from run to run.
        const helper = new Helper(i + 2, link, adapter, adapter === own.name ? speed : flopsPerSecond);
        helper.position = before ?? 0;
        return [helper];
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
