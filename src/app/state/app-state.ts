import { computed, signal } from '@preact/signals';
import { proxy } from 'comlink';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { CoordinatorApi } from '../../../workers/api/coordinator.ts';
import type { ModelSource } from '../../../workers/api/folders.ts';
import type { GpuFacts } from '../../../workers/api/gpu.ts';
import { keepAwakeWhile, keepStorage } from '../platform/keep-awake.ts';
import { askForFolder } from '../platform/permission.ts';
import { Draft } from './draft.ts';
import { JobList } from './job-list.ts';
import { failureOf, type Loadable, latestValue } from './loadable.ts';
import { PromptDraft } from './prompt-draft.ts';
import { isFree, isWorking } from './queue.ts';
import { followAddress, go, route } from './route.ts';

/** Everything the screens share. */
export class AppState {
  readonly api: CoordinatorApi;
  readonly gpu = signal<Loadable<GpuFacts>>({ state: 'loading' });
  /** The low-power one, where it is another. */
  readonly secondGpu = signal<GpuFacts | undefined>(undefined);
  /** Those that the draft is planned for; empty while they are looked for. */
  readonly plannedGpus = computed(() => {
    const facts = { 'high-performance': latestValue(this.gpu.value), 'low-power': this.secondGpu.value };
    return this.draft.gpus.value.flatMap((choice) => facts[choice] ?? []);
  });
  readonly draft: Draft;
  readonly prompt = new PromptDraft();
  readonly jobs: JobList;
  /** While a job is on its way to the queue. */
  readonly starting = signal(false);
  /** Why the coordinator answers no more, which only a reload mends. */
  readonly lost = signal<string | undefined>(undefined);
  /** Why a conversion could not be started; of the present screen, and shown beside its button. */
  readonly startTrouble = signal<string | undefined>(undefined);
  /** Why no conversion can be kept: all else works. */
  readonly storageProblem = signal<string | undefined>(undefined);

  constructor(api: CoordinatorApi) {
    this.api = api;
    this.draft = new Draft(api);
    this.jobs = new JobList(api);
  }

  /** Connects to the coordinator and looks at the GPU; returns the undoing of what is undone. */
  open(): () => void {
    void this.#loadJobs();
    void this.#findGpu();
    const stops = [
      followAddress(),
      keepAwakeWhile(() => isWorking(this.jobs.queue.value)),
      route.subscribe(() => {
        this.startTrouble.value = undefined;
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** Shows the plan for a model. */
  choose(source: ModelSource | undefined): void {
    if (!source) return;
    void this.draft.open(source);
    go({ screen: 'plan' });
  }

  /** Starts what is planned and shows it, or adds it to the queue and shows that. Must be called from a click. */
  async start(): Promise<void> {
    const { source, output, options } = this.draft;
    const [from, to] = [source.value, output.value];
    if (!from || !to || this.starting.value) return;
    const shown = route.value;
    this.starting.value = true;
    this.startTrouble.value = undefined;
    try {
      // In the queue nobody may be there to ask.
      if (from.kind === 'handle') await askForFolder(from.handle, 'read');
      if (to.kind === 'handle') await askForFolder(to.handle, 'readwrite');
      void keepStorage();
      const atOnce = isFree(this.jobs.queue.value, this.draft.gpus.value);
      const id = await this.api.start(from, to, options.value);
      await this.jobs.load();
      // The user may have gone elsewhere meanwhile, to another plan too.
      if (route.value === shown) go(atOnce ? { screen: 'job', id } : { screen: 'start' });
    } catch (error) {
      this.startTrouble.value = failureOf(error).message;
    }
    this.starting.value = false;
  }

  async #loadJobs(): Promise<void> {
    try {
      await this.api.watch(proxy(this.jobs.receive));
      await this.jobs.load();
    } catch (error) {
      this.storageProblem.value = failureOf(error).message;
    }
  }

  async #findGpu(): Promise<void> {
    try {
      const value = await this.api.gpu();
      this.gpu.value = { state: 'ready', value };
      this.draft.chooseGpus(['high-performance'], [value]);
    } catch (error) {
      this.gpu.value = { state: 'failed', failure: failureOf(error) };
      return;
    }
    // Without it there is the first one.
    this.secondGpu.value = await this.api.secondGpu().catch(() => undefined);
  }
}

const Context = createContext<AppState | undefined>(undefined);

export const AppProvider = Context.Provider;

export function useApp(): AppState {
  const app = useContext(Context);
  if (!app) throw new Error('No AppProvider above this component');
  return app;
}
