import { proxy, type Remote, wrap } from 'comlink';
import { DeviceLostError } from '../src/util/errors.ts';
import { UntilEnd } from '../src/util/until-end.ts';
import type { GpuChoice, GpuFacts } from './api/gpu.ts';
import type { GpuJob, GpuText, GpuTextListener, GpuWorkerApi, RunListener, RunOutcome } from './gpu-api.ts';
import { failureOf } from './worker-failure.ts';
import { endOfHolder, newLock } from './worker-lock.ts';

interface RunningWorker {
  readonly api: Remote<GpuWorkerApi>;
  readonly stop: () => void;
  /** Rejects when the worker ends, however that comes. */
  readonly ended: Promise<never>;
  /** Calls under way would wait forever. */
  readonly untilEnd: UntilEnd;
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
    this.#worker ??= this.#start();
    return this.#worker.untilEnd.answer(work(this.#worker.api));
  }

  #start(): RunningWorker {
    const worker = startWorker(this.#choice);
    worker.ended.catch(() => {
      if (this.#worker === worker) this.restart();
    });
    return worker;
  }
}

function startWorker(name: GpuChoice): RunningWorker {
  const worker = new Worker(new URL('./gpu-worker.ts', import.meta.url), { type: 'module', name });
  const api = wrap<GpuWorkerApi>(worker);
  const stopping = new AbortController();
  let end: (reason: Error) => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    end = reject;
  });
  failureOf(worker).catch(({ message }) => end(new Error(`The GPU worker has stopped: ${message}.`)));
  const lock = newLock('GPU');
  void api
    .begin(lock)
    .then(() => endOfHolder(lock, stopping.signal))
    .then(
      () => end(new DeviceLostError('The GPU was lost: its worker has ended.')),
      () => {}, // it was stopped
    );
  const stop = () => {
    worker.terminate();
    stopping.abort();
    end(new Error('The GPU worker was stopped.'));
  };
  return { api, stop, ended, untilEnd: new UntilEnd(ended) };
}
