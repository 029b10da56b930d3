import { gemmMixed } from '../../kernels/linalg/gemm.ts';
import { measureFlops } from '../../kernels/measure-speeds.ts';
import type { JobRows } from '../calibrate.ts';
import type { StageContext } from '../context.ts';
import type { ConvertJob } from '../convert-job.ts';
import type { ConvertSettings } from '../settings.ts';
import type { HelperJob } from './api.ts';
import { Crew, Helper, Member } from './crew.ts';

/** Opens the job in all its helpers at once; those that cannot take part are left out, with a warning. */
export async function openCrew({ gpu }: StageContext, job: ConvertJob, rows: JobRows): Promise<Crew> {
  const { helpers: links = [], settings, emit } = job;
  const told: HelperJob = { settings: settingsOf(settings), ...rows };
  const own = job.adapter.name;
  const speed = links.length > 0 ? await measureFlops(gpu, gemmMixed) : 1;
  const opened = await Promise.all(
    links.map(async (link, i) => {
      try {
        const { adapter, flopsPerSecond } = await Promise.race([link.api.open(told), link.ended]);
        // Of the same kind: what differs is chance, and would make the shares differ from run to run.
        return [new Helper(i + 2, link, adapter, adapter === own ? speed : flopsPerSecond)];
      } catch (error) {
        emit({ type: 'warning', message: `${link.name} cannot take part: ${(error as Error).message}` });
        return [];
      }
    }),
  );
  return new Crew(new Member(1, own, speed), opened.flat(), () => gpu.memory.used, emit);
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
