import type { ConvertEvent, ProgressEvent } from '../events.ts';
import { type PackedBatch, type PackedRecording, packEvent } from './packed.ts';

/** Of its JSON: some times what a model of 80 layers takes. What comes after that is not recorded. */
const MOST_BYTES = 6_000_000;

/** Progress is drawn in steps of this share of a stage. */
const PROGRESS_STEP = 0.005;

/** Of the moment, of the machine, or told by others. */
const LEFT_OUT: ReadonlySet<ConvertEvent['type']> = new Set([
  ...(['start', 'memory', 'workers', 'output', 'reference', 'plan'] as const),
]);

/** Collects what a replay shows of a conversion. */
export class Recorder {
  readonly #words: string[];
  readonly #numbers: Map<string, number>;
  readonly #batches: PackedBatch[];
  readonly #mostBytes: number;
  #bytes: number;
  #progress: ProgressEvent | undefined;

  /** Goes on with what was recorded so far. */
  constructor({ words, batches }: PackedRecording = { words: [], batches: [] }, mostBytes = MOST_BYTES) {
    this.#words = [...words];
    this.#numbers = new Map(words.map((word, number) => [word, number]));
    this.#batches = [...batches];
    this.#mostBytes = mostBytes;
    this.#bytes = JSON.stringify({ words, batches }).length;
  }

  /** Of the last event, in milliseconds. */
  get time(): number {
    return this.#batches.at(-1)?.[0] ?? 0;
  }

  get recording(): PackedRecording {
    return { words: this.#words, batches: this.#batches };
  }

  /** @param time milliseconds of work since the start @param bits the bitrate under way; not while it measures */
  add(time: number, bits: number | undefined, events: readonly ConvertEvent[]): void {
    const seen = events.filter((event) => this.#isSeen(event));
    if (seen.length === 0 || this.#bytes > this.#mostBytes) return;
    const batch: PackedBatch = [
      Math.round(time),
      bits ?? 0,
      ...seen.map((event) => packEvent(event, this.#numberOf)),
    ];
    this.#batches.push(batch);
    this.#bytes += JSON.stringify(batch).length + 1;
  }

  /** Leaves out progress that nobody would see. */
  #isSeen(event: ConvertEvent): boolean {
    if (LEFT_OUT.has(event.type)) return false;
    if (event.type !== 'progress') return true;
    const last = this.#progress;
    const isNear =
      last?.stage === event.stage &&
      last.detail === event.detail &&
      event.done >= last.done &&
      event.done - last.done < PROGRESS_STEP * event.total;
    if (!isNear) this.#progress = event;
    return !isNear;
  }

  readonly #numberOf = (word: string): number => {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known;
    this.#numbers.set(word, this.#words.length);
    this.#bytes += JSON.stringify(word).length + 1;
    return this.#words.push(word) - 1;
  };
}
