import { InputError } from '../src/util/errors.ts';
import type { ModelSource } from './api/folders.ts';
import type { JobRecord, JobUpdate } from './api/jobs.ts';
import { deleteEntry, type JobEntry, readEntries, readEntry, writeEntry } from './job-store.ts';

/** The jobs as they are kept, and whoever watches them. */
export class JobBoard {
  readonly #listeners = new Set<(update: JobUpdate) => unknown>();
  /** Chosen file lists, which are not kept, by job. */
  readonly #lists = new Map<string, ModelSource>();
  /** One change after the other. */
  #changes: Promise<unknown> = Promise.resolve();

  watch(listener: (update: JobUpdate) => unknown): void {
    this.#listeners.add(listener);
  }

  tell(update: JobUpdate): void {
    for (const listener of this.#listeners) {
      // A page that has gone is told no more.
      Promise.resolve(listener(update)).catch(() => this.#listeners.delete(listener));
    }
  }

  /** Newest first. */
  async all(): Promise<JobEntry[]> {
    const entries = (await readEntries()).map((entry) => this.#known(entry));
    return entries.sort((a, b) => b.record.created - a.record.created);
  }

  /** Throws InputError when there is no such job. */
  async get(id: string): Promise<JobEntry> {
    const entry = await readEntry(id);
    if (!entry) throw new InputError(`There is no job ${id} (any more): it was removed.`);
    return this.#known(entry);
  }

  async put(entry: JobEntry): Promise<void> {
    const { record, source } = entry;
    if (source.kind === 'files') this.#lists.set(record.id, source);
    else this.#lists.delete(record.id);
    const known = this.#known(entry);
    await writeEntry(known);
    this.tell({ type: 'record', record: known.record });
  }

  /** The entry with the list of files that was chosen in this visit. */
  #known(entry: JobEntry): JobEntry {
    const source = this.#lists.get(entry.record.id) ?? entry.source;
    const sourceGone = source.kind === 'files' && source.files.length === 0;
    return { ...entry, source, record: { ...entry.record, sourceGone } };
  }

  /** Changes a job's record, and what is kept beside it; tells the record. A new state ends an old error. */
  change(id: string, record: Partial<JobRecord>, rest: Partial<JobEntry> = {}): Promise<JobEntry> {
    const changed = this.#changes.then(async () => {
      const entry = await this.get(id);
      const { error, ...kept } = entry.record;
      const past = record.state === undefined && error !== undefined ? { ...kept, error } : kept;
      const next = { ...entry, ...rest, record: { ...past, ...record, changed: Date.now() } };
      await this.put(next);
      return next;
    });
    this.#changes = changed.catch(() => {});
    return changed;
  }

  async remove(id: string): Promise<void> {
    this.#lists.delete(id);
    await deleteEntry(id);
    this.tell({ type: 'removed', id });
  }
}
