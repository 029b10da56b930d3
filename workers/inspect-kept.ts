import { ROWS_TENSOR, rowsFromTensor } from '../src/calibrate/rows-artefact.ts';
import { openModelDirectory } from '../src/io/model/model-directory.ts';
import { storageDirectory } from '../src/io/platform/storage/storage.ts';
import { workDirectory } from '../src/io/work/work-directory.ts';
import { ARTEFACT } from '../src/job/artefacts.ts';
import { inspectLinear, type RoundedFiles } from '../src/learn/kept/inspect.ts';
import type { InspectedLinear, LinearPlace } from '../src/learn/kept/inspected.ts';
import type { JobEntry } from './job-store.ts';
import { planOf } from './open-source.ts';
import { missingPermissions } from './permissions.ts';
import { openOutput, openSource, STORED } from './places.ts';
import { openTokenizer } from './tokenizer-client.ts';

/** What a job has kept of a linear. @param rounded how it was rounded too. */
export async function inspectKept(
  entry: JobEntry,
  bits: number,
  place: LinearPlace,
  rounded: boolean,
): Promise<InspectedLinear> {
  const { id } = entry.record;
  const job = {
    plan: planOf(entry.headers),
    measured: workDirectory(await storageDirectory(STORED.measure(id))),
    quantized: workDirectory(await storageDirectory(STORED.target(id, bits))),
  };
  return inspectLinear(job, place, rounded ? await roundedFiles(entry, bits) : undefined);
}

/** Tokens of the text that are shown. */
const SHOWN_TOKENS = 96;

/** How the text begins that a job measures with; undefined where that, or the tokenizer, cannot be read now. */
export async function calibrationText(entry: JobEntry): Promise<string | undefined> {
  const { id, model, sourceGone } = entry.record;
  const locked = (await missingPermissions(entry)).some(({ mode }) => mode === 'read');
  const work = workDirectory(await storageDirectory(STORED.measure(id)));
  const file = await work.openTensors(ARTEFACT.measurementRows);
  if (sourceGone || locked || !file) return undefined;
  const { ids, length } = rowsFromTensor(await file.read(ROWS_TENSOR), file.name, model.tokenizerSize);
  const tokenizer = await openTokenizer(entry.source, model.name);
  try {
    return await tokenizer.decode([...ids.subarray(0, Math.min(length, SHOWN_TOKENS))]);
  } finally {
    tokenizer.close();
  }
}

/** Of folders only those are opened that the browser permits now. */
async function roundedFiles(entry: JobEntry, bits: number): Promise<RoundedFiles> {
  const { id, model, results, sourceGone } = entry.record;
  const locked = (await missingPermissions(entry)).map(({ mode }) => mode);
  const isMade = results.some((result) => result.bits === bits);
  const output =
    isMade && !locked.includes('readwrite')
      ? await openModelDirectory(await openOutput(entry.output, id, model.name, bits))
      : undefined;
  const source =
    sourceGone || locked.includes('read') ? undefined : await openModelDirectory(openSource(entry.source));
  return { ...(output && { output }), ...(source && { source }) };
}
