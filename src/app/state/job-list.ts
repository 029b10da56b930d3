import { computed, signal } from '@preact/signals';
import type { CoordinatorApi } from '../../../workers/api/coordinator.ts';
import type { ModelSource } from '../../../workers/api/folders.ts';
import type {
  AllocationRequest,
  JobRecord,
  JobState,
  JobUpdate,
  MeasuredModule,
} from '../../../workers/api/jobs.ts';
import { askForFolder } from '../platform/permission.ts';
import { EMPTY_MODULE, type JobView } from './job-view.ts';
import { type LiveJob, liveJob, updateEstimate } from './live-job.ts';
import { failureOf } from './loadable.ts';
import { inOrder, queueOf } from './queue.ts';
import { reduceJob, withExpected } from './reduce-job.ts';

export type Steps = 'pause' | 'unpause' | 'cancel' | 'moveUp';

/** All jobs, kept up to date by what the coordinator tells. */
export class JobList {
  /** Ids, the newest first. */
  readonly ids = signal<readonly string[]>([]);
  readonly loaded = signal(false);
  /** Of all jobs, the newest first. */
  readonly records = computed(() => this.#all().map(({ record }) => record.value));
  readonly queue = computed(() => queueOf(this.#all()));
  /** Interrupted, with nothing in the way of going on, in the order in which they stood in the queue. */
  readonly interrupted = computed(() =>
    inOrder(this.#all()).filter(
      ({ record: { value } }) => value.state === 'interrupted' && !value.sourceGone,
    ),
  );
  readonly #jobs = new Map<string, LiveJob>();
  /** Jobs that something is being done with. */
  readonly #busy = new Set<string>();
  readonly #api: CoordinatorApi;

  constructor(api: CoordinatorApi) {
    this.#api = api;
  }

  async load(): Promise<void> {
    for (const record of await this.#api.jobs()) if (!this.#jobs.has(record.id)) this.#add(record);
    this.loaded.value = true;
  }

  get(id: string): LiveJob | undefined {
    return this.#jobs.get(id);
  }

  /** To be called with every update, at most ten times a second for each job. */
  readonly receive = (update: JobUpdate): void => {
    if (update.type === 'removed') {
      this.#forget(update.id);
      return;
    }
    const job =
      update.type === 'record'
        ? (this.#jobs.get(update.record.id) ?? this.#add(update.record))
        : this.#jobs.get(update.id);
    if (!job) return;
    const { state } = job.record.peek();
    job.view.value = reduceJob(job.view.peek(), update, Date.now());
    // What failed before is past when the job goes on.
    if (state !== job.record.peek().state && isGoing(job)) job.failure.value = undefined;
    if (update.type !== 'rates') updateEstimate(job);
  };

  /** Pauses, goes on, cancels or moves up in the queue; a failure is kept with the job. */
  async steer(id: string, step: Steps): Promise<void> {
    const act = () => this.#api[step](id);
    // What gives no answer can be cancelled.
    if (step === 'cancel') await this.#attempt(id, act);
    else await this.#attemptOnce(id, act);
  }

  /**
   * Goes on with a job, when its turn comes. Must be called from a click: the browser then asks for the folders again.
   * `source` where the model's folder has to be chosen anew.
   */
  async resume(id: string, source?: ModelSource): Promise<void> {
    await this.#attemptOnce(id, async () => {
      await this.#askForFolders(id, source);
      await (source ? this.#api.resume(id, source) : this.#api.resume(id));
    });
  }

  /** Goes on with all that were interrupted, in their order. Must be called from a click, as `resume`. */
  async resumeAll(): Promise<void> {
    const ids = this.interrupted.peek().map(({ record }) => record.peek().id);
    await this.#once(ids, async (free) => {
      const permitted: string[] = [];
      // The click counts for some seconds only: all questions come first.
      for (const id of free) if (await this.#attempt(id, () => this.#askForFolders(id))) permitted.push(id);
      for (const id of permitted) await this.#attempt(id, () => this.#api.resume(id));
    });
  }

  /**
   * Quantizes by choices that were made after measuring; tells whether that was begun. Must be called from a click, as
   * `resume`.
   */
  quantize(id: string, requests: readonly AllocationRequest[]): Promise<boolean> {
    return this.#attemptOnce(id, async () => {
      await this.#askForFolders(id);
      await this.#api.quantize(id, requests);
    });
  }

  /** Asks for the job's folders, but not for the model's where there is another `source`. */
  async #askForFolders(id: string, source?: ModelSource): Promise<void> {
    for (const { handle, mode } of await this.#api.handles(id)) {
      if (mode === 'readwrite' || !source) await askForFolder(handle, mode);
    }
  }

  async remove(id: string): Promise<void> {
    await this.#attempt(id, async () => {
      await this.#api.remove(id);
      this.#forget(id);
    });
  }

  /** Fills in what was measured in an earlier visit, and how far a stopped job had come. */
  async recall(id: string): Promise<void> {
    const job = this.#jobs.get(id);
    const { record, modules: present } = job?.view.peek() ?? {};
    if (!job || !record) return;
    const isStopped = STOPPED.has(record.state);
    // Without it the page works too: the charts are empty then.
    const kept = isStopped ? await this.#api.kept(id).catch(() => undefined) : undefined;
    if (kept) job.kept.value = kept;
    const isKnown = [...(present?.values() ?? [])].some(({ measured }) => measured);
    if (isKnown || !(record.measured || kept)) return;
    const modules = record.measured
      ? await this.#api.measurement(id).catch(() => [] as MeasuredModule[])
      : (kept?.modules ?? []);
    job.view.value = withMeasured(job.view.peek(), modules);
  }

  #all(): LiveJob[] {
    return this.ids.value.flatMap((id) => this.#jobs.get(id) ?? []);
  }

  #add(record: JobRecord): LiveJob {
    const job = liveJob(record);
    this.#jobs.set(record.id, job);
    const created = (id: string) => this.#jobs.get(id)?.view.peek().record.created ?? 0;
    this.ids.value = [...this.#jobs.keys()].sort((a, b) => created(b) - created(a));
    return job;
  }

  #forget(id: string): void {
    this.#jobs.delete(id);
    this.ids.value = this.ids.value.filter((other) => other !== id);
  }

  /** Does something with those jobs that nothing is being done with: a second click on the way does nothing. */
  async #once(ids: readonly string[], act: (free: readonly string[]) => Promise<void>): Promise<void> {
    const free = ids.filter((id) => !this.#busy.has(id));
    for (const id of free) this.#busy.add(id);
    try {
      await act(free);
    } finally {
      for (const id of free) this.#busy.delete(id);
    }
  }

  /** As `#attempt`, but does nothing while something is being done with the job. */
  async #attemptOnce(id: string, act: () => Promise<void>): Promise<boolean> {
    let done = false;
    await this.#once([id], async (free) => {
      done = free.length > 0 && (await this.#attempt(id, act));
    });
    return done;
  }

  /** Keeps a failure with the job; tells whether there was none. */
  async #attempt(id: string, act: () => Promise<void>): Promise<boolean> {
    const job = this.#jobs.get(id);
    if (!job) return false;
    job.failure.value = undefined;
    try {
      await act();
      return true;
    } catch (error) {
      job.failure.value = failureOf(error);
      return false;
    }
  }
}

const STOPPED: ReadonlySet<JobState> = new Set(['interrupted', 'failed', 'cancelled']);

function withMeasured(view: JobView, measured: readonly MeasuredModule[]): JobView {
  const modules = new Map(view.modules);
  for (const { key, candidates } of measured) {
    if (modules.has(key)) continue;
    const trials = candidates.map(({ error, bitsPerWeight, description }, candidate) => ({
      candidate,
      error,
      bitsPerWeight,
      description,
    }));
    modules.set(key, { ...EMPTY_MODULE, trials, measured: true });
  }
  return withExpected({ ...view, modules });
}

function isGoing({ record }: LiveJob): boolean {
  const { state } = record.peek();
  return state === 'waiting' || state === 'running';
}
