import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { ARTEFACT } from '../convert/artefacts.ts';
import { readJsonFile } from '../io/json.ts';
import { nodeDirectory } from '../io/platform/node-directory.ts';
import { workDirectory } from '../io/work-directory.ts';
import { writeJsonFile } from '../io/write-file.ts';
import { InputError } from '../util/errors.ts';
import type { CliOptions } from './options.ts';

type Places = Pick<CliOptions, 'workDir' | 'outputMeasurement' | 'measureLayers'>;

/**
 * Better now than after hours of work: whether the file of --output_measurement can be written. It may be there only
 * if this job has written it.
 */
export async function checkMeasurementFile(places: Places): Promise<void> {
  const { outputMeasurement: path } = places;
  if (path === undefined) return;
  const directory = nodeDirectory(dirname(path));
  const file = await directory.open(basename(path));
  if (!file) {
    const isFolder = (await stat(path).catch(() => undefined))?.isDirectory();
    if (isFolder) throw new InputError(`${path} is a folder: name a file for --output_measurement.`);
    const sink = await directory.create(basename(path));
    await sink.abort();
    return;
  }
  const there = await readJsonFile(file).catch(() => undefined);
  if (there !== undefined && JSON.stringify(there) === JSON.stringify(await measured(places))) return;
  throw new InputError(
    `${path} is there already: choose another name for --output_measurement, or remove it.`,
  );
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
