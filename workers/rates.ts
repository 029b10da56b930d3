import type { ByteCount } from '../src/io/counted-directory.ts';
import type { ConvertEvent } from '../src/job/events.ts';
import type { StageName } from '../src/job/stages.ts';

/** What goes through a job in a second, on average over the last seconds. */
export interface Rates {
  /** Bytes. */
  readonly read: number;
  /** Bytes. */
  readonly written: number;
  /** Calibration tokens through the whole model. */
  readonly tokens: number;
}

const WINDOW_MS = 4000;

interface Sample extends Rates {
  readonly at: number;
}

/** Adds up what a job reads, writes and computes, and gives the rates. */
export class RateMeter {
  /** To be counted up by whoever reads and writes. */
  readonly bytes: ByteCount = { read: 0, written: 0 };
  readonly #tokensOf: (stage: StageName) => number;
  readonly #now: () => number;
  readonly #shares = new Map<StageName, number>();
  readonly #samples: Sample[];
  #tokens = 0;

  /** `tokensOf`: calibration tokens of a stage; `now`: milliseconds. */
  constructor(tokensOf: (stage: StageName) => number, now: () => number = () => performance.now()) {
    this.#tokensOf = tokensOf;
    this.#now = now;
    this.#samples = [{ at: now(), read: 0, written: 0, tokens: 0 }];
  }

  /** Tokens are counted by the share of the stage that is done; a module that is done counts for all tokens. */
  see(event: ConvertEvent): void {
    if (event.type !== 'progress') return;
    const share = event.done / event.total;
    const before = this.#shares.get(event.stage) ?? 0;
    this.#shares.set(event.stage, share);
    this.#tokens += Math.max(0, share - before) * this.#tokensOf(event.stage);
  }

  /** To be called about once a second. */
  sample(): Rates {
    const at = this.#now();
    this.#samples.push({ at, ...this.bytes, tokens: this.#tokens });
    while (this.#samples.length > 2 && this.#samples[1]!.at <= at - WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0]!;
    const seconds = (at - first.at) / 1000;
    const rate = (total: number, before: number) => (seconds > 0 ? (total - before) / seconds : 0);
    return {
      read: rate(this.bytes.read, first.read),
      written: rate(this.bytes.written, first.written),
      tokens: rate(this.#tokens, first.tokens),
    };
  }
}
