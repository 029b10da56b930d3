import { basename, dirname } from 'node:path';
import { ARTEFACT } from '../convert/artefacts.ts';
import { nodeDirectory } from '../io/platform/node-directory.ts';
import { workDirectory } from '../io/work-directory.ts';
import { writeJsonFile } from '../io/write-file.ts';
import type { CliOptions } from './options.ts';
import { checkResultFile } from './result-file.ts';

type Places = Pick<CliOptions, 'workDir' | 'outputMeasurement' | 'measureLayers'>;

/**
 * Better now than after hours of work: whether the file of --output_measurement can be written. It may be there only
 * if this job has written it.
 */
export async function checkMeasurementFile(places: Places): Promise<void> {
  const { outputMeasurement: path } = places;
  if (path === undefined) return;
  const isMeasured = async (there: unknown) =>
    JSON.stringify(there) === JSON.stringify(await measured(places));
  await checkResultFile(path, '--output_measurement', isMeasured);
}

/** Writes what was measured to the file of --output_measurement, if one was named. */
export async function writeMeasurementFile(places: Places): Promise<void> {
  const { outputMeasurement: path } = places;
  if (path !== undefined)
    await writeJsonFile(nodeDirectory(dirname(path)), basename(path), await measured(places));
}

const measured = ({ workDir, measureLayers }: Places): Promise<unknown> =>
  workDirectory(nodeDirectory(workDir)).readJson(
    measureLayers === undefined ? ARTEFACT.measurement : ARTEFACT.slice,
  );
