import { proxy, type Remote, wrap } from 'comlink';
import type { GpuChoice, GpuFacts } from './api.ts';
import type { GpuJob, GpuText, GpuTextListener, GpuWorkerApi, RunListener, RunOutcome } from './gpu-api.ts';

interface RunningWorker {
  readonly api: Remote<GpuWorkerApi>;
  readonly stop: () => void;
  /** Rejects when the worker ends, however that comes; calls under way would wait forever. */
  readonly ended: Promise<never>;
}

/** The worker of a GPU, started when it is first needed. */
export class GpuClient {
  readonly #choice: GpuChoice;
  #worker: RunningWorker | undefined;
  #facts: Promise<GpuFacts> | undefined;

  constructor(choice: GpuChoice) {
    this.#choice = choice;
  }

  /** Measured once; asked again after a failure. */
  facts(): Promise<GpuFacts> {
    this.#facts ??= this.#call((api) => api.facts()).catch((error) => {
      this.#facts = undefined;
      throw error;
    });
    return this.#facts;
  }

  run(job: GpuJob, listener: RunListener): Promise<RunOutcome> {
    return this.#call((api) => api.run(job, proxy(listener)));
  }

  pause(): Promise<void> {
    return this.#call((api) => api.pause());
  }

  unpause(): Promise<void> {
    return this.#call((api) => api.unpause());
  }

  cancel(): Promise<void> {
    return this.#call((api) => api.cancel());
  }

  write(text: GpuText, listener: GpuTextListener): Promise<void> {
    return this.#call((api) => api.write(text, proxy(listener)));
  }

  stopWriting(): Promise<void> {
    return this.#call((api) => api.stopWriting());
  }

  freeModels(): Promise<void> {
    return this.#call((api) => api.freeModels());
  }

  /** Ends the worker with all that it holds; the next call starts a new one. */
  restart(): void {
    this.#worker?.stop();
    this.#worker = undefined;
  }

  #call<T>(work: (api: Remote<GpuWorkerApi>) => Promise<T>): Promise<T> {
    this.#worker ??= startWorker(this.#choice);
    return Promise.race([work(this.#worker.api), this.#worker.ended]);
  }
}

function startWorker(name: GpuChoice): RunningWorker {
  const worker = new Worker(new URL('./gpu-worker.ts', import.meta.url), { type: 'module', name });
  let end: (reason: string) => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    end = (reason) => reject(new Error(reason));
  });
  ended.catch(() => {}); // those who wait for it are told
  // Only what nobody catches comes here: a script that does not load, or memory that has run out.
  worker.onerror = (event) => {
    event.preventDefault();
    end(`The GPU worker has stopped: ${event.message || 'its script could not be loaded; reload the page'}.`);
  };
  const stop = () => {
    worker.terminate();
    end('The GPU worker was stopped.');
  };
  return { api: wrap<GpuWorkerApi>(worker), stop, ended };
}
