import { signal } from '@preact/signals';
import { proxy } from 'comlink';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { CoordinatorApi, GpuFacts, ModelSource } from '../../../workers/api.ts';
import { keepAwakeWhile, keepStorage } from '../platform/keep-awake.ts';
import { Draft } from './draft.ts';
import { JobList } from './job-list.ts';
import { failureOf, type Loadable } from './loadable.ts';
import { PromptDraft } from './prompt-draft.ts';
import { followAddress, go } from './route.ts';

/** Everything the screens share. */
export class AppState {
  readonly api: CoordinatorApi;
  readonly gpu = signal<Loadable<GpuFacts>>({ state: 'loading' });
  readonly draft: Draft;
  readonly prompt = new PromptDraft();
  readonly jobs: JobList;
  /** A failure of something that has no place of its own. */
  readonly trouble = signal<string | undefined>(undefined);

  constructor(api: CoordinatorApi) {
    this.api = api;
    this.draft = new Draft(api);
    this.jobs = new JobList(api);
  }

  /** Connects to the coordinator and looks at the GPU; returns the undoing of what is undone. */
  open(): () => void {
    void this.#attempt(async () => {
      await this.api.watch(proxy(this.jobs.receive));
      await this.jobs.load();
    });
    void this.#findGpu();
    const stops = [followAddress(), keepAwakeWhile(() => this.#running())];
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

  /** Starts what is planned and shows it. */
  async start(): Promise<void> {
    const { source, output, options } = this.draft;
    const [from, to] = [source.value, output.value];
    if (!from || !to) return;
    await this.#attempt(async () => {
      void keepStorage();
      const id = await this.api.start(from, to, options.value);
      await this.jobs.load();
      go({ screen: 'job', id });
    });
  }

  async #findGpu(): Promise<void> {
    try {
      const value = await this.api.gpu();
      this.gpu.value = { state: 'ready', value };
      this.draft.suggest(value);
    } catch (error) {
      this.gpu.value = { state: 'failed', failure: failureOf(error) };
    }
  }

  #running(): boolean {
    return this.jobs.ids.value.some((id) => this.jobs.get(id)?.view.value.record.state === 'running');
  }

  async #attempt(act: () => Promise<void>): Promise<void> {
    this.trouble.value = undefined;
    try {
      await act();
    } catch (error) {
      this.trouble.value = failureOf(error).message;
    }
  }
}

const Context = createContext<AppState | undefined>(undefined);

export const AppProvider = Context.Provider;

export function useApp(): AppState {
  const app = useContext(Context);
  if (!app) throw new Error('No AppProvider above this component');
  return app;
}
