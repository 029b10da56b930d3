import { InputError } from '../src/util/errors.ts';
import { outputFolder } from '../src/util/output-folder.ts';
import type { JobEntry } from './job-store.ts';

/** Throws InputError when one of `others`, jobs that wait or run, writes to a folder that this job writes to. */
export async function requireOwnOutput(entry: JobEntry, others: readonly JobEntry[]): Promise<void> {
  for (const other of others) {
    if (!(await isSamePlace(entry, other))) continue;
    const folders = foldersOf(other);
    const clash = foldersOf(entry).find((folder) => folders.includes(folder));
    if (!clash) continue;
    throw new InputError(
      `A conversion that is under way or waits makes ${clash} in the same folder: choose another folder or bitrate, or cancel that one.`,
    );
  }
}

async function isSamePlace({ output: one }: JobEntry, { output: other }: JobEntry): Promise<boolean> {
  return one.kind === 'handle' && other.kind === 'handle' && one.handle.isSameEntry(other.handle);
}

const foldersOf = ({ record }: JobEntry): string[] =>
  record.targets.map(({ bits }) => outputFolder(record.model.name, bits));
