/** A kept job with another source, output or choice of bitrates. */

import { removeStorage } from '../src/io/platform/storage/storage.ts';
import { InputError } from '../src/util/errors.ts';
import { sortedEntries } from '../src/util/sorted-entries.ts';
import type { ModelSource, OutputTarget } from './api/folders.ts';
import type { AllocationRequest } from './api/jobs.ts';
import type { JobEntry } from './job-store.ts';
import { checkOutputs, outputName } from './new-job.ts';
import { headersOf, inspectSource } from './open-source.ts';
import { STORED } from './places.ts';

/** The job, reading from and writing to these; makes sure that the folder is there and is the job's. */
export async function withPlaces(
  entry: JobEntry,
  source: ModelSource,
  output: OutputTarget,
): Promise<JobEntry> {
  const { fingerprint } = await headersOf(await inspectSource(source));
  if (fingerprint !== entry.headers.fingerprint) {
    const { modelName } = entry.record;
    throw new InputError(
      `This folder does not hold the ${modelName} that the job began with: choose that one, or start a new job.`,
    );
  }
  return { ...entry, source, output, record: { ...entry.record, outputName: outputName(output) } };
}

/**
 * The job with these choices: what it has made of others is kept, what it has not finished is dropped. Its files stay
 * until `removeDropped`, so that a refusal loses nothing.
 */
export async function withTargets(
  entry: JobEntry,
  requests: readonly AllocationRequest[],
): Promise<JobEntry> {
  const { record } = entry;
  if (new Set(requests.map(({ bits }) => bits)).size < requests.length) {
    throw new InputError('A bitrate is there twice: a job makes one output of each.');
  }
  const isChanged = ({ bits, pinned }: AllocationRequest) =>
    requests.some((request) => request.bits === bits && pins(request.pinned) !== pins(pinned));
  const isAsked = ({ bits }: AllocationRequest) => requests.some((request) => request.bits === bits);
  const isMade = ({ bits }: AllocationRequest) => record.results.some((result) => result.bits === bits);

  const dropped = record.targets.filter(
    (target) => isChanged(target) || !(isAsked(target) || isMade(target)),
  );
  const results = record.results.filter(({ bits }) => !dropped.some((target) => target.bits === bits));
  const others = record.targets.filter((target) => isMade(target) && !isAsked(target));
  const changed = { ...entry, record: { ...record, results, targets: [...others, ...requests] } };
  await checkOutputs(changed, requests);
  return changed;
}

const pins = (pinned: AllocationRequest['pinned']): string => JSON.stringify(sortedEntries(pinned));

/** Removes the files of what `before` was to make, or has made, and `after` is not to make like that. */
export async function removeDropped(before: JobEntry, after: JobEntry): Promise<void> {
  const isKept = ({ bits, pinned }: AllocationRequest) =>
    after.record.targets.some((target) => target.bits === bits && pins(target.pinned) === pins(pinned));
  for (const target of before.record.targets) if (!isKept(target)) await dropTarget(before, target);
}

async function dropTarget({ record, output }: JobEntry, { bits }: AllocationRequest): Promise<void> {
  await removeStorage(STORED.target(record.id, bits));
  if (output.kind === 'storage') await removeStorage(STORED.output(record.id, bits));
}
