import type { CalibrationRows } from '../calibrate/rows.ts';
import type { FileEntry, WritableDirectory } from '../io/bytes.ts';
import { listIfThere } from '../io/list-if-there.ts';
import type { ModelDirectory } from '../io/model/model-directory.ts';
import { recordedPath, recordOf, type WorkDirectory } from '../io/work/work-directory.ts';
import { digest, digestOf } from '../util/digest.ts';
import { InputError } from '../util/errors.ts';
import { sortedEntries } from '../util/sorted-entries.ts';
import { ARTEFACT, isArtefact } from './artefacts.ts';
import type { ConvertSettings } from './settings.ts';

/** Everything that a job's artefacts depend on. A job only goes on when all of it is the same. */
export type JobInputs = Readonly<Record<string, unknown>>;

/** Bytes of each end of a tensor that stand for its values: to read all would take as long as the disk is slow. */
const SAMPLE_BYTES = 1024;
/** Tensors that are sampled at the same time: disks answer many small reads sooner than one after the other. */
const SAMPLED_AT_ONCE = 32;

/**
 * A digest of the model: config.json; the name, dtype and shape of every tensor and a sample of its values, as weights
 * may be replaced by others of the same shapes; and the sizes of its files.
 */
export async function modelFingerprint(source: ModelDirectory): Promise<string> {
  const tensors = source.names().map((name) => source.requireInfo(name));
  const config = await source.readJson('config.json');
  return digestOf({ config, tensors, samples: await sampleDigests(source), files: source.weightFiles() });
}

async function sampleDigests(source: ModelDirectory): Promise<string[]> {
  const names = source.names();
  const digests: string[] = [];
  for (let at = 0; at < names.length; at += SAMPLED_AT_ONCE) {
    const some = names.slice(at, at + SAMPLED_AT_ONCE);
    const sampled = some.map(async (name) => digest(await source.readEnds(name, SAMPLE_BYTES)));
    digests.push(...(await Promise.all(sampled)));
  }
  return digests;
}

/** A digest of token rows. */
export const rowsFingerprint = async ({ rows, length, ids }: CalibrationRows): Promise<string> =>
  `${rows} × ${length} tokens, ${await digest(new Uint8Array(ids.slice().buffer))}`;

/** What of the settings the artefacts depend on. */
export const jobInputs = (
  settings: ConvertSettings,
  digests: Readonly<Record<string, string>>,
): JobInputs => ({
  ...digests,
  bits: settings.bits,
  ...(settings.pinned && { pinned: sortedEntries(settings.pinned) }),
  head_bits: settings.headBits,
  quantizer: settings.quantizer,
  precision: settings.precision,
  rope_scale: settings.ropeScale ?? null,
  rope_alpha: settings.ropeAlpha ?? null,
});

/** Of what artefacts hold, and how; to be raised when that changes, as those of before are of no use then. */
const FORMAT = 1;

/** What a job that only measures leaves open, for one that goes on from there. */
const LATER_INPUTS: readonly string[] = ['quantization_rows'];

/** What artefacts of a job with these inputs are known by, in whatever order the inputs are. */
export const jobId = (inputs: JobInputs): Promise<string> => digestOf([FORMAT, ...sortedEntries(inputs)]);

/** What artefacts are known by that a job with these inputs can use: its own, and those of one that only measured. */
function usableIds(inputs: JobInputs): Promise<[own: string, measuring: string]> {
  const first = Object.entries(inputs).filter(([name]) => !LATER_INPUTS.includes(name));
  return Promise.all([jobId(inputs), jobId(Object.fromEntries(first))]);
}

/**
 * Claims the work directory for a job with these inputs, or goes on with one that has the same. Where the job's
 * description is damaged or has gone, its artefacts tell whose they are.
 * @throws InputError that lists what differs from the job that is there, or names a file that is another program's.
 */
export async function openJob(work: WorkDirectory, inputs: JobInputs): Promise<void> {
  const earlier = await checkInputs(work, inputs);
  const known = { ...earlier, ...inputs };
  work.bind(...(await usableIds(known)));
  if (!earlier || Object.keys(known).length > Object.keys(earlier).length) {
    await work.writeJson(ARTEFACT.job, known);
  }
}

/**
 * Makes sure that the work directory is free, or holds a job with these inputs. Changes nothing.
 * @returns the inputs of the job that it holds.
 * @throws as {@link openJob}.
 */
export async function checkInputs(work: WorkDirectory, inputs: JobInputs): Promise<JobInputs | undefined> {
  const earlier = await work.readJson<JobInputs>(ARTEFACT.job);
  if (!earlier) {
    await checkArtefacts(work, await usableIds(inputs));
    return undefined;
  }
  const names = [...new Set([...Object.keys(earlier), ...Object.keys(inputs)])];
  const isOpen = (name: string) =>
    LATER_INPUTS.includes(name) && (earlier[name] === undefined || inputs[name] === undefined);
  const changed = names.filter(
    (name) => !isOpen(name) && JSON.stringify(earlier[name]) !== JSON.stringify(inputs[name]),
  );
  if (changed.length === 0) return earlier;
  const list = changed.map((name) => `  ${name}: ${text(earlier[name])} then, ${text(inputs[name])} now`);
  throw new InputError(
    `The work directory holds a job with other inputs:\n${list.join('\n')}\n` +
      'Take the same options to go on with it, another work directory (--out_dir) for a new job, or --no_resume to ' +
      'drop the old one. To keep its measurement at another bitrate, copy its measurement.json elsewhere and pass ' +
      'the copy with --measurement.',
  );
}

/**
 * Without a description of the job: what another job has made would be dropped with this one, and what no job has made
 * may be the user's.
 */
async function checkArtefacts(work: WorkDirectory, ids: readonly string[]): Promise<void> {
  const { artefacts, isJobs } = artefactsIn(await work.list());
  if (!isJobs && artefacts.includes(ARTEFACT.job)) throw otherVersion(work);
  for (const path of artefacts) {
    const state = await work.inspect(path);
    if (state.kind === 'unknown' && path !== ARTEFACT.job) throw foreignFile(work, path);
    if (state.kind !== 'whole' || ids.includes(state.job)) continue;
    throw new InputError(
      `${ARTEFACT.job} of the work directory ${work.name} is damaged or has gone, and ${path} is of a job with other ` +
        'inputs. Take the options of that job to go on with it, another work directory (--out_dir) for a new job, or ' +
        '--no_resume to drop the old one.',
    );
  }
}

const otherVersion = ({ name }: WorkDirectory): InputError =>
  new InputError(
    `The work directory ${name} holds a job of another version of this program, or of another one (there is no ` +
      `${recordOf(ARTEFACT.job)}). Choose another work directory (--out_dir), or drop that job with --no_resume; to keep ` +
      'its measurement, copy its measurement.json elsewhere first, and pass the copy with --measurement. In the page, ' +
      'remove the conversion and begin it anew.',
  );

const foreignFile = ({ name }: WorkDirectory, path: string): InputError =>
  new InputError(
    `The work directory ${name} holds ${path}, but no ${ARTEFACT.job}: it is not of a job of this program. Choose another ` +
      'work directory (--out_dir), or move that file elsewhere; to use a measurement that was made elsewhere, pass its ' +
      'file with --measurement.',
  );

/** What is named like an artefact, and whether a job of ours has been there: every artefact has a record. */
function artefactsIn(files: readonly FileEntry[]): { artefacts: string[]; isJobs: boolean } {
  const paths = files.map(({ path }) => path).filter(isArtefact);
  const artefacts = paths.filter((path) => recordedPath(path) === undefined);
  return { artefacts, isJobs: artefacts.length < paths.length };
}

const text = (value: unknown): string => (value === undefined ? 'not set' : JSON.stringify(value));

/**
 * While there are layers, the strategy tells which allocation they are of; while there is the description, the directory
 * is known as a job's.
 */
const LAST_DROPPED: readonly string[] = [ARTEFACT.strategy, ARTEFACT.job].flatMap((path) => [
  recordOf(path),
  path,
]);

/** Whether files are those of a job, which can be dropped. */
function isJob(files: readonly FileEntry[]): boolean {
  const { artefacts, isJobs } = artefactsIn(files);
  return isJobs || artefacts.includes(ARTEFACT.job);
}

/** Whether there is a job that {@link dropJob} would remove. */
export const holdsJob = async (directory: WritableDirectory): Promise<boolean> =>
  isJob(await listIfThere(directory));

/** Removes an earlier job from its work directory; files that are not a job's stay. */
export async function dropJob(directory: WritableDirectory): Promise<void> {
  const files = await listIfThere(directory);
  if (!isJob(files)) return;
  const paths = files.map(({ path }) => path).filter(isArtefact);
  const others = paths.filter((path) => !LAST_DROPPED.includes(path));
  const last = LAST_DROPPED.filter((path) => paths.includes(path));
  for (const path of [...others, ...last]) await directory.remove(path);
}
