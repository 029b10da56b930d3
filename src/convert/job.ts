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

/** A digest of the model: config.json and the name, dtype and shape of every tensor, and the sizes of its files. */
export async function modelFingerprint(source: ModelDirectory): Promise<string> {
  const tensors = source.names().map((name) => source.requireInfo(name));
  const description = { config: await source.readJson('config.json'), tensors, files: source.weightFiles() };
  return digestOf(description);
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

/**
 * Claims the work directory for a job with these inputs, or goes on with one that has the same.
 * @throws InputError that lists what differs from the job that is there.
 */
export async function openJob(work: WorkDirectory, inputs: JobInputs): Promise<void> {
  const earlier = await work.readJson<JobInputs>(ARTEFACT.job);
  if (!earlier) {
    await work.writeJson(ARTEFACT.job, inputs);
    return;
  }
  const names = [...new Set([...Object.keys(earlier), ...Object.keys(inputs)])];
  const changed = names.filter((name) => JSON.stringify(earlier[name]) !== JSON.stringify(inputs[name]));
  if (changed.length === 0) return;
  const list = changed.map((name) => `  ${name}: ${text(earlier[name])} then, ${text(inputs[name])} now`);
  throw new InputError(
    `The work directory holds a job with other inputs:\n${list.join('\n')}\n` +
      'Take the same options to go on with it, another work directory (--out_dir) for a new job, or --no_resume to ' +
      'drop the old one. To keep its measurement at another bitrate, pass its measurement.json with --measurement.',
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

/** Removes an earlier job from its work directory; files that are not a job's stay. */
export async function dropJob(directory: WritableDirectory): Promise<void> {
  if (!(await directory.open(ARTEFACT.job))) return;
  for (const { path } of await directory.list()) {
    // The description goes last: while it is there, the directory is known as a job's.
    if (path !== ARTEFACT.job && isArtefact(path)) await directory.remove(path);
  }
  await directory.remove(ARTEFACT.job);
}
