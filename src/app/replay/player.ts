import { batch, computed, signal } from '@preact/signals';
import type { JobUpdate } from '../../../workers/api/jobs.ts';
import type { ConvertEvent } from '../../job/events.ts';
import type { Batch } from '../../job/recording/packed.ts';
import { type JobView, viewOf } from '../state/job-view.ts';
import { type LiveJob, liveJob } from '../state/live-job.ts';
import { reduceJob } from '../state/reduce-job.ts';
import type { Recording } from './recording.ts';

/** Seconds in which the whole recording is played. */
export const PACES = { slow: 240, normal: 60, fast: 15 } as const;
export type Pace = keyof typeof PACES;

const TICK_MS = 100;

/** What a step ends with: something that is to be seen. */
const isMark = (event: ConvertEvent): boolean =>
  event.type === 'module' ||
  event.type === 'linear' ||
  event.type === 'allocation' ||
  event.type === 'evaluation';

/** Plays a recorded conversion: its events go where those of a job under way go. */
export class Player {
  readonly recording: Recording;
  readonly job: LiveJob;
  readonly playing = signal(false);
  readonly pace = signal<Pace>('normal');
  /** Recorded milliseconds that have been played. */
  readonly time = signal(0);
  readonly duration: number;
  readonly isOver = computed(() => this.time.value >= this.duration);

  /** Batches that have been played. */
  #played = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(recording: Recording) {
    this.recording = recording;
    this.job = liveJob(recording.record);
    this.duration = recording.batches.at(-1)?.time ?? 0;
  }

  play(): void {
    if (this.playing.value) return;
    if (this.isOver.value) this.seek(0);
    this.playing.value = true;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  pause(): void {
    clearInterval(this.#timer);
    this.playing.value = false;
  }

  /** To the next thing that is to be seen. */
  step(): void {
    this.pause();
    const { batches } = this.recording;
    const next = batches.findIndex(({ events }, i) => i >= this.#played && events.some(isMark));
    this.seek(next === -1 ? this.duration : batches[next]!.time);
  }

  /** Shows the conversion as it was so many milliseconds after its start. */
  seek(time: number): void {
    const { batches, record } = this.recording;
    const end = batches.findIndex((each) => each.time > time);
    const until = end === -1 ? batches.length : end;
    const isBack = until < this.#played;
    const start = isBack ? viewOf(record) : this.job.view.peek();
    const played = batches.slice(isBack ? 0 : this.#played, until);
    this.#played = until;
    batch(() => {
      this.time.value = Math.min(time, this.duration);
      this.job.view.value = this.#withRecord(reduced(start, played));
    });
  }

  #tick(): void {
    const seconds = PACES[this.pace.peek()];
    this.seek(this.time.peek() + (TICK_MS * this.duration) / (1000 * seconds));
    if (this.isOver.peek()) this.pause();
  }

  /** With the job's record as it was then. */
  #withRecord(view: JobView): JobView {
    const { end } = this.recording;
    if (this.isOver.peek()) return { ...view, record: end };
    const { record } = view;
    const measured = record.measured || view.stages.quantize !== 'waiting';
    // Those before the bitrate under way.
    const made = end.targets.findIndex(({ bits }) => bits === view.bits);
    const results = measured ? end.results.slice(0, Math.max(0, made)) : [];
    if (record.measured === measured && record.results.length === results.length) return view;
    return { ...view, record: { ...record, measured, results } };
  }
}

/** The view after these batches: those of a bitrate are taken together, as each update draws anew. */
function reduced(view: JobView, batches: readonly Batch[]): JobView {
  const first = batches[0];
  if (!first) return view;
  const { bits } = first;
  const other = batches.findIndex((each) => each.bits !== bits);
  const [now, then] = other === -1 ? [batches, []] : [batches.slice(0, other), batches.slice(other)];
  const events = now.flatMap((each) => each.events);
  const update: JobUpdate = { type: 'events', id: view.record.id, ...(bits && { bits }), events };
  return reduced(reduceJob(view, update, Date.now()), then);
}
