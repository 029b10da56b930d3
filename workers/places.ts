/** Where a job's files are, in the browser's storage or in the user's folders. */

import mixAddress from '../data/calibration.bin?url';
import { type CalibrationMix, readMix } from '../src/calibrate/mix/mix-file.ts';
import type { CalibrationText } from '../src/calibrate/mix/mix-plan.ts';
import type { ReadableDirectory, WritableDirectory } from '../src/io/bytes.ts';
import { listIfThere } from '../src/io/list-if-there.ts';
import { fileListDirectory } from '../src/io/platform/file-list-directory.ts';
import { handleDirectory, listFiles } from '../src/io/platform/handle-directory.ts';
import { storageDirectory, storageRoot } from '../src/io/platform/storage/storage.ts';
import { fetchFile } from '../src/io/platform/url-directory.ts';
import { isHessians } from '../src/job/artefacts.ts';
import { InputError } from '../src/util/errors.ts';
import { outputFolder } from '../src/util/output-folder.ts';
import type { ModelSource, NamedFile, OutputTarget } from './api/folders.ts';
import { demoModel } from './demo-model.ts';

/** Paths in the browser's storage. */
export const STORED = {
  job: (id: string) => `jobs/${id}`,
  /** Work directory of the measurement. */
  measure: (id: string) => `jobs/${id}/measure`,
  /** Work directory of one bitrate. */
  target: (id: string, bits: number) => `jobs/${id}/bits/${bits}`,
  /** What a replay shows. */
  recording: (id: string) => `jobs/${id}/recording`,
  output: (id: string, bits: number) => `jobs/${id}/output/${bits}`,
  /** The user's calibration file. */
  calibration: (id: string) => `jobs/${id}/calibration`,
} as const;

export function openSource(source: ModelSource): ReadableDirectory {
  switch (source.kind) {
    case 'demo':
      return demoModel;
    case 'handle':
      return handleDirectory(source.handle);
    case 'files':
      if (source.files.length === 0) {
        throw new InputError(`Choose the folder ${source.name} again: the browser has forgotten its files.`);
      }
      return fileListDirectory(source.name, source.files);
  }
}

/** Removes the work files of a bitrate that is made, but for what is kept to be looked at. */
export async function clearTarget(id: string, bits: number): Promise<void> {
  const work = await storageDirectory(STORED.target(id, bits));
  for (const { path } of await listIfThere(work)) if (!isHessians(path)) await work.remove(path);
}

/** A bitrate's output folder: `<model>-<bits>bpw-exl2` in the user's folder, or one in the browser's storage. */
export const openOutput = async (
  output: OutputTarget,
  id: string,
  modelName: string,
  bits: number,
): Promise<WritableDirectory> =>
  output.kind === 'handle'
    ? handleDirectory(output.handle, outputFolder(modelName, bits))
    : storageDirectory(STORED.output(id, bits));

/** The files of an output; the page may read them, wherever they lie. */
export const outputFiles = async (
  output: OutputTarget,
  id: string,
  modelName: string,
  bits: number,
): Promise<NamedFile[]> =>
  output.kind === 'handle'
    ? listFiles(output.handle, outputFolder(modelName, bits))
    : listFiles(await storageRoot(), STORED.output(id, bits));

/** The built-in calibration text. */
export const calibrationMix = async (): Promise<CalibrationMix> =>
  readMix(
    await fetchFile(mixAddress, 'The built-in calibration text'),
    'Load the page again without the browser’s cache (Shift and the reload button); if that does not help, its server has a damaged copy.',
  );

export const calibrationText = ({ kind }: ModelSource): CalibrationText =>
  kind === 'demo' ? 'stories' : 'mix';
