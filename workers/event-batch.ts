/** Eight batches a second: with records and rates that is at most ten messages. */
const INTERVAL_MS = 125;

/**
 * Collects events and passes them on a few times a second, in their order. A batch goes out with the first event
 * after the interval; the timer only brings the last ones, so nothing waits for it where timers are slowed down.
 */
export class EventBatch<E extends { readonly type: string }> {
  readonly #latestOnly: ReadonlySet<E['type']>;
  readonly #send: (events: readonly E[]) => Promise<void> | void;
  #events: E[] = [];
  #sent = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `latestOnly`: of these types only the last of a batch says anything. */
  constructor(latestOnly: readonly E['type'][], send: (events: readonly E[]) => Promise<void> | void) {
    this.#latestOnly = new Set(latestOnly);
    this.#send = send;
  }

  readonly add = (event: E): void => {
    if (this.#latestOnly.has(event.type)) {
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
