import type {
  ConvertEvent,
  EvaluationEvent,
  OutputEvent,
  ProgressEvent,
  StageEvent,
} from '../../job/events.ts';
import { STAGE_TITLES } from '../../job/stages.ts';
import { formatByteSize } from '../../util/text/byte-size.ts';
import { formatDuration } from '../../util/text/duration.ts';
import { EtaEstimator } from '../../util/text/eta.ts';
import { progressText } from '../reports.ts';
import type { JobEvent } from './run-queue.ts';

/** What is known of one job, put together from its events. */
export class JobProgress {
  state: 'waits' | JobEvent['state'] = 'waits';
  cards: readonly number[] = [];
  reason = '';
  #started = 0;
  #ended = 0;
  #stage: StageEvent | undefined;
  #progress: ProgressEvent | undefined;
  #eta = new EtaEstimator();
  #evaluation: EvaluationEvent | undefined;
  #output: OutputEvent | undefined;

  /** `now` in seconds. */
  see(event: ConvertEvent | JobEvent, now: number): void {
    if (event.type === 'job') this.#job(event, now);
    else if (event.type === 'stage') this.#enter(event);
    else if (event.type === 'progress') {
      this.#progress = event;
      this.#eta.observe(event.done, now);
    } else if (event.type === 'evaluation') this.#evaluation = event;
    else if (event.type === 'output') this.#output = event;
  }

  /** One line: what waits, the stage under way with its progress, or how it ended. */
  text(now: number): string {
    if (this.state === 'done') return this.#result();
    if (this.state === 'failed') return `failed: ${this.reason.replace(/^Error: /, '').split('\n')[0]}`;
    if (this.state !== 'started') return this.state;
    if (this.#progress) return progressText(this.#progress, this.#eta.estimate(this.#progress.total, now));
    return this.#stage ? STAGE_TITLES[this.#stage.stage] : 'starts';
  }

  #job({ state, cards, reason }: JobEvent, now: number): void {
    this.state = state;
    this.cards = cards;
    this.reason = reason ?? '';
    if (state === 'started') this.#started = now;
    else this.#ended = now;
  }

  #enter(event: StageEvent): void {
    this.#stage = event;
    this.#progress = undefined;
    this.#eta = new EtaEstimator();
  }

  #result(): string {
    const parts = [`done in ${formatDuration(this.#ended - this.#started)}`];
    if (this.#output) parts.push(formatByteSize(this.#output.bytes));
    if (this.#evaluation) parts.push(`KL divergence ${this.#evaluation.measures.divergence.mean.toFixed(5)}`);
    return parts.join('  ');
  }
}
