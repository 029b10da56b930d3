/** Rate and time left of work whose speed changes on the way. */
export interface Estimate {
  /** Units a second. */
  readonly rate: number;
  readonly secondsLeft: number;
}

interface Sample {
  readonly done: number;
  readonly seconds: number;
}

/**
 * Estimates from what was done in the last `windowSeconds`, so that a slow start, or work that an earlier run
 * had already finished, does not count for ever. Where single steps take longer than the window, the last
 * step decides.
 */
export class EtaEstimator {
  readonly #window: number;
  /** In order of time; the first is the last one before the window. */
  #samples: Sample[] = [];

  constructor(windowSeconds = 60) {
    this.#window = windowSeconds;
  }

  /** `done` units were finished at time `seconds`. A smaller `done` than before starts anew. */
  observe(done: number, seconds: number): void {
    const last = this.#samples.at(-1);
    if (last && done < last.done) this.#samples = [];
    // Without progress there is nothing to learn, and the step under way must keep its start.
    if (last?.done === done) return;
    this.#samples.push({ done, seconds });
    while (this.#samples.length > 2 && this.#samples[1]!.seconds <= seconds - this.#window)
      this.#samples.shift();
  }

  /** Undefined until a first step has been seen to take time. */
  estimate(total: number, seconds: number): Estimate | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.done <= first.done || last.seconds <= first.seconds) return undefined;
    const rate = (last.done - first.done) / (last.seconds - first.seconds);
    // The step under way is partly done, but by no more than a step: late is late.
    const underWay = Math.min((seconds - last.seconds) * rate, 1);
    return { rate, secondsLeft: Math.max(0, total - last.done - underWay) / rate };
  }
}
