import type { CalibrationRows } from '../calibration/rows.ts';
import type { WritableDirectory } from '../io/bytes.ts';
import type { ModelDirectory } from '../io/model-directory.ts';
import type { WorkDirectory } from '../io/work-directory.ts';
import { digest, digestOf } from '../util/digest.ts';
import { InputError } from '../util/errors.ts';
import { ARTEFACT, isArtefact } from './artefacts.ts';
import type { Strategy } from './optimize.ts';
import type { ConvertSettings } from './settings.ts';
import { strategyToJson } from './strategy-json.ts';

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
  ...(settings.pinned && { pinned: Object.entries(settings.pinned).sort(([a], [b]) => (a < b ? -1 : 1)) }),
  head_bits: settings.headBits,
  quantizer: settings.quantizer,
  precision: settings.precision,
  rope_scale: settings.ropeScale ?? null,
  rope_alpha: settings.ropeAlpha ?? null,
});

/** What a job that only measures leaves open, for one that goes on from there. */
const LATER_INPUTS: readonly string[] = ['quantization_rows'];

/**
 * Claims the work directory for a job with these inputs, or goes on with one that has the same.
 * @throws InputError that lists what differs from the job that is there, or names a file that is another program's.
 */
export async function openJob(work: WorkDirectory, inputs: JobInputs): Promise<void> {
  const earlier = await checkInputs(work, inputs);
  const known = { ...earlier, ...inputs };
  if (!earlier || Object.keys(known).length > Object.keys(earlier).length) {
    await work.writeJson(ARTEFACT.job, known);
  }
}

/**
 * Makes sure that the work directory is free, or holds a job with these inputs.
 * @returns the inputs of the job that it holds.
 * @throws as {@link openJob}.
 */
export async function checkInputs(work: WorkDirectory, inputs: JobInputs): Promise<JobInputs | undefined> {
  const earlier = await work.readJson<JobInputs>(ARTEFACT.job);
  if (!earlier) {
    await refuseForeignFiles(work);
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

/** Before a job's description there is none of its artefacts: they would be trusted, and dropped with the job. */
async function refuseForeignFiles(work: WorkDirectory): Promise<void> {
  const foreign = (await work.list()).find(({ path }) => isArtefact(path));
  if (!foreign) return;
  throw new InputError(
    `The work directory ${work.name} holds ${foreign.path}, but no ${ARTEFACT.job}: it is not of a job of this ` +
      'program. Choose another work directory (--out_dir); to use a measurement that was made elsewhere, pass its ' +
      'file with --measurement.',
  );
}

/**
 * Makes sure that the layers in the work directory were quantized by this strategy.
 * @throws InputError that names the modules whose parameters differ.
 */
export async function checkStrategy(work: WorkDirectory, strategy: Strategy): Promise<void> {
  const earlier = await work.readJson<Record<string, unknown>>(ARTEFACT.strategy);
  if (!earlier) return;
  const now = Object.entries(strategyToJson(strategy));
  const changed = now.filter(([key, chosen]) => JSON.stringify(earlier[key]) !== JSON.stringify(chosen));
  if (changed.length === 0) return;
  throw new InputError(
    `The work directory holds a job with another allocation, made from another measurement; it differs in ` +
      `${changed.map(([key]) => key).join(', ')}. Pass the same measurement to go on with it, or take another work ` +
      'directory (--out_dir) for a new job, or --no_resume to drop the old one.',
  );
}

const text = (value: unknown): string => (value === undefined ? 'not set' : JSON.stringify(value));

/**
 * While there are layers, the strategy tells which allocation they are of; while there is the description, the directory
 * is known as a job's.
 */
const LAST_DROPPED: readonly string[] = [ARTEFACT.strategy, ARTEFACT.job];

/** Removes an earlier job from its work directory; files that are not a job's stay. */
export async function dropJob(directory: WritableDirectory): Promise<void> {
  if (!(await directory.open(ARTEFACT.job))) return;
  const paths = (await directory.list()).map(({ path }) => path).filter(isArtefact);
  const others = paths.filter((path) => !LAST_DROPPED.includes(path));
  for (const path of [...others, ...LAST_DROPPED]) await directory.remove(path);
}
