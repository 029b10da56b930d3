import type { ConvertEvent } from '../src/convert/events.ts';

/** Eight batches a second: with records and rates that is at most ten messages. */
const INTERVAL_MS = 125;

/** Of these only the last of a batch says anything. */
const LATEST_ONLY: ReadonlySet<ConvertEvent['type']> = new Set(['progress', 'memory']);

/**
 * Collects events and passes them on a few times a second, in their order. A batch goes out with the first event
 * after the interval; the timer only brings the last ones, so nothing waits for it where timers are slowed down.
 */
export class EventBatch {
  readonly #send: (events: readonly ConvertEvent[]) => Promise<void> | void;
  #events: ConvertEvent[] = [];
  #sent = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (events: readonly ConvertEvent[]) => Promise<void> | void) {
    this.#send = send;
  }

  readonly add = (event: ConvertEvent): void => {
    if (LATEST_ONLY.has(event.type)) {
      this.#events = this.#events.filter(({ type }) => type !== event.type);
    }
    this.#events.push(event);
    const wait = this.#sent + INTERVAL_MS - performance.now();
    if (wait <= 0) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), wait);
  };

  /** Passes on what there is. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const events = this.#events;
    if (events.length === 0) return;
    this.#sent = performance.now();
    this.#events = [];
    await this.#send(events);
  }
}
