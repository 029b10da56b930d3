import { proxy } from 'comlink';
import { byName } from '../src/util/by-name.ts';
import { DeviceLostError } from '../src/util/errors.ts';
import type { GpuChoice, GpuFacts } from './api/gpu.ts';
import type { GpuWorkerApi } from './gpu-api.ts';
import { type SupervisedWorker, superviseWorker } from './supervised-worker.ts';

/** The worker's methods as the coordinator calls them. */
type GpuCalls = {
  [K in Exclude<keyof GpuWorkerApi, 'begin'>]: (
    ...request: Parameters<GpuWorkerApi[K]>
  ) => Promise<Awaited<ReturnType<GpuWorkerApi[K]>>>;
};

/** The worker of a GPU, started when it is first needed. */
export class GpuClient {
  /** What the worker can do: the first call starts it. Functions that it is given are called here. */
  readonly worker: GpuCalls = byName((name, request) => {
    this.#running ??= this.#start();
    const { api, untilEnd } = this.#running;
    return untilEnd.answer(Reflect.apply(api[name], undefined, request.map(sent)));
  });
  readonly #choice: GpuChoice;
  #running: SupervisedWorker<GpuWorkerApi> | undefined;
  #facts: Promise<GpuFacts> | undefined;

  constructor(choice: GpuChoice) {
    this.#choice = choice;
  }

  /** Measured once; asked again after a failure. */
  facts(): Promise<GpuFacts> {
    this.#facts ??= this.worker.facts().catch((error) => {
      this.#facts = undefined;
      throw error;
    });
    return this.#facts;
  }

  /** Ends the worker with all that it holds; the next call starts a new one. */
  restart(): void {
    this.#running?.stop();
    this.#running = undefined;
  }

  #start(): SupervisedWorker<GpuWorkerApi> {
    const worker = startWorker(this.#choice);
    worker.ended.catch(() => {
      if (this.#running === worker) this.restart();
    });
    return worker;
  }
}

const sent = (given: unknown): unknown => (typeof given === 'function' ? proxy(given) : given);

const startWorker = (name: GpuChoice): SupervisedWorker<GpuWorkerApi> =>
  superviseWorker<GpuWorkerApi>(
    () => new Worker(new URL('./gpu-worker.ts', import.meta.url), { type: 'module', name }),
    'GPU',
    new DeviceLostError('The GPU was lost: its worker has ended.'),
  );
