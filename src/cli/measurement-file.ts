import { basename, dirname } from 'node:path';
import { readJsonFile } from '../io/json/json.ts';
import { nodeDirectory } from '../io/platform/node/node-directory.ts';
import { recordOf, workDirectory } from '../io/work/work-directory.ts';
import { writeJsonFile } from '../io/write-file.ts';
import { ARTEFACT } from '../job/artefacts.ts';
import { InputError } from '../util/errors.ts';
import { openFile } from './open-file.ts';
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
  if (path === undefined) return;
  const measurement = await measured(places);
  if (measurement === undefined) {
    throw new InputError(
      `What was measured has gone from ${places.workDir}, or was damaged there: run the same command again.`,
    );
  }
  await writeJsonFile(nodeDirectory(dirname(path)), basename(path), measurement);
}

const measured = ({ workDir, measureLayers }: Places): Promise<unknown> =>
  workDirectory(nodeDirectory(workDir)).readJson(
    measureLayers === undefined ? ARTEFACT.measurement : ARTEFACT.slice,
  );

/**
 * A measurement, or a slice of one, that the user named. One that lies in a work directory is looked at as its artefact:
 * it may be damaged. Throws InputError.
 */
export async function readMeasurementFile(path: string): Promise<unknown> {
  const source = await openFile(path);
  const { kind } = await workDirectory(nodeDirectory(dirname(path))).inspect(basename(path));
  if (kind !== 'damaged') return readJsonFile(source);
  throw new InputError(
    `${path} is not as the job that measured it has written it (${recordOf(basename(path))} does not fit): it is damaged, ` +
      'or was changed. Run that job again to make it anew; or, to take it as it is, copy it elsewhere and name the copy.',
  );
}
