import { proxy, wrap } from 'comlink';
import { byName } from '../src/util/by-name.ts';
import { DeviceLostError } from '../src/util/errors.ts';
import { UntilEnd } from '../src/util/until-end.ts';
import type { GpuChoice, GpuFacts } from './api/gpu.ts';
import type { GpuWorkerApi } from './gpu-api.ts';
import { failureOf } from './worker-failure.ts';
import { endOfHolder, newLock } from './worker-lock.ts';

interface RunningWorker {
  readonly api: GpuCalls;
  readonly stop: () => void;
  /** Rejects when the worker ends, however that comes. */
  readonly ended: Promise<never>;
  /** Calls under way would wait forever. */
  readonly untilEnd: UntilEnd;
}

/** The worker's methods as the coordinator calls them. */
type GpuCalls = {
  [K in keyof GpuWorkerApi]: (
    ...request: Parameters<GpuWorkerApi[K]>
  ) => Promise<Awaited<ReturnType<GpuWorkerApi[K]>>>;
};

/** The worker of a GPU, started when it is first needed. */
export class GpuClient {
  /** What the worker can do: the first call starts it. Functions that it is given are called here. */
  readonly worker: Omit<GpuCalls, 'begin'> = byName((name, request) => {
    this.#running ??= this.#start();
    const { api, untilEnd } = this.#running;
    return untilEnd.answer(Reflect.apply(api[name], undefined, request.map(sent)));
  });
  readonly #choice: GpuChoice;
  #running: RunningWorker | undefined;
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

  #start(): RunningWorker {
    const worker = startWorker(this.#choice);
    worker.ended.catch(() => {
      if (this.#running === worker) this.restart();
    });
    return worker;
  }
}

const sent = (given: unknown): unknown => (typeof given === 'function' ? proxy(given) : given);

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
