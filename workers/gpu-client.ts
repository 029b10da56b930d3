import { proxy, type Remote } from 'comlink';
import { DeviceLostError } from '../src/util/errors.ts';
import type { GpuChoice, GpuFacts } from './api.ts';
import type { GpuJob, GpuText, GpuTextListener, GpuWorkerApi, RunListener, RunOutcome } from './gpu-api.ts';
import { type SupervisedWorker, superviseWorker } from './supervised-worker.ts';

/** The worker of a GPU, started when it is first needed. */
export class GpuClient {
  readonly #choice: GpuChoice;
  #worker: SupervisedWorker<GpuWorkerApi> | undefined;
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
    this.#worker ??= this.#start();
    return this.#worker.untilEnd.answer(work(this.#worker.api));
  }

  #start(): SupervisedWorker<GpuWorkerApi> {
    const worker = startWorker(this.#choice);
    worker.ended.catch(() => {
      if (this.#worker === worker) this.restart();
    });
    return worker;
  }
}

const startWorker = (name: GpuChoice): SupervisedWorker<GpuWorkerApi> =>
  superviseWorker<GpuWorkerApi>(
    new Worker(new URL('./gpu-worker.ts', import.meta.url), { type: 'module', name }),
    'GPU',
    new DeviceLostError('The GPU was lost: its worker has ended.'),
  );
