import { batch, computed, signal } from '@preact/signals';
import type { JobUpdate } from '../../../workers/api/jobs.ts';
import type { ConvertEvent } from '../../job/events.ts';
import { type JobView, viewOf } from '../state/job-view.ts';
import { type LiveJob, liveJob } from '../state/live-job.ts';
import { reduceJob } from '../state/reduce-job.ts';
import { recordedResult } from './recorded-result.ts';
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

/** Plays a recorded conversion: its events go where those of a real job go. */
export class DemoPlayer {
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
    const events = batches.slice(isBack ? 0 : this.#played, until).flatMap((each) => each.events);
    this.#played = until;
    batch(() => {
      this.time.value = Math.min(time, this.duration);
      this.job.view.value = this.#withResult(events.length > 0 ? reduced(start, events) : start);
    });
  }

  #tick(): void {
    const seconds = PACES[this.pace.peek()];
    this.seek(this.time.peek() + (TICK_MS * this.duration) / (1000 * seconds));
    if (this.isOver.peek()) this.pause();
  }

  /** The job's record as it would be now. */
  #withResult(view: JobView): JobView {
    const measured = view.stages.quantize !== 'waiting';
    const result = this.isOver.peek() ? recordedResult(this.recording) : undefined;
    const change = result
      ? ({ state: 'done', results: [result] } as const)
      : { state: 'running' as const, results: [] };
    const { record } = view;
    if (record.state === change.state && record.measured === measured) return view;
    return { ...view, record: { ...record, ...change, measured } };
  }
}

function reduced(view: JobView, events: readonly ConvertEvent[]): JobView {
  const update: JobUpdate = { type: 'events', id: view.record.id, events };
  return reduceJob(view, update, Date.now());
}
