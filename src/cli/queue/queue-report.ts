import { basename } from 'node:path';
import type { ConvertEvent } from '../../job/events.ts';
import { STAGE_TITLES } from '../../job/stages.ts';
import { plainStrings, plainText } from '../../util/text/plain-text.ts';
import { bitsName } from '../job-places.ts';
import { jsonLine } from '../json-line.ts';
import type { QueueJob } from '../options.ts';
import { StatusBlock } from '../status-block.ts';
import { type Column, tableRow, titleRow } from '../table.ts';
import { LOG_SECONDS, type Terminal } from '../terminal.ts';
import { JobProgress } from './job-progress.ts';
import type { JobEvent } from './run-queue.ts';

const modelName = ({ inDir }: QueueJob['options']): string => plainText(basename(inDir));

/** Events with the job's name, one a line, for programs. */
export const jsonQueueReport =
  (write: (text: string) => void) =>
  ({ name }: QueueJob, event: ConvertEvent | JobEvent): void => {
    const { type, ...rest } = event;
    // An event of a job as a whole has its type; the name stands first in all.
    write(jsonLine({ job: name, type, ...rest }));
  };

/** Shows a queue to a person: on a screen a line for each job that changes in place, else a line when one changes. */
export class QueueReport {
  readonly #terminal: Terminal;
  readonly #block: StatusBlock;
  readonly #jobs: ReadonlyMap<QueueJob, JobProgress>;
  readonly #columns: readonly Column[];
  #lastLogged = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal, jobs: readonly QueueJob[]) {
    this.#terminal = terminal;
    this.#block = new StatusBlock(terminal);
    this.#jobs = new Map(jobs.map((job) => [job, new JobProgress()]));
    const widest = Math.max(...jobs.map(({ options }) => modelName(options).length), 'model'.length);
    this.#columns = [
      { title: 'model', width: widest, align: 'left' },
      { title: 'bpw', width: 5, align: 'right' },
      { title: 'cards', width: 5, align: 'left' },
      { title: 'state', width: 0, align: 'left' },
    ];
  }

  show(job: QueueJob, told: ConvertEvent | JobEvent): void {
    const event = plainStrings(told);
    const now = this.#terminal.now();
    this.#jobs.get(job)?.see(event, now);
    if (event.type === 'warning') this.#block.print(`Warning, ${plainText(job.name)}: ${event.message}`);
    if (this.#terminal.columns !== undefined) this.#block.update(() => this.#fitting());
    else this.#log(job, event, now);
  }

  /** What was drawn stays: somebody else has written below it. */
  leave(): void {
    this.#block.leave();
  }

  /** Leaves the whole table where the changing one was. */
  close(): void {
    this.#block.print(this.#table().join('\n'));
  }

  #log(job: QueueJob, event: ConvertEvent | JobEvent, now: number): void {
    const line = (of: QueueJob) =>
      this.#terminal.write(`${plainText(of.name)}: ${this.#jobs.get(of)?.text(now)}\n`);
    if (event.type === 'job') line(job);
    else if (event.type === 'stage' && event.state !== 'done')
      this.#terminal.write(
        `${plainText(job.name)}: ${STAGE_TITLES[event.stage]}${event.state === 'reused' ? ', from before' : ''}\n`,
      );
    else if (event.type === 'progress' && now - this.#lastLogged >= LOG_SECONDS) {
      this.#lastLogged = now;
      for (const [other, { state }] of this.#jobs) if (state === 'started') line(other);
    }
  }

  #table(wanted: (progress: JobProgress) => boolean = () => true): string[] {
    const now = this.#terminal.now();
    const rows = [...this.#jobs].filter(([, progress]) => wanted(progress));
    const lines = rows.map(([{ options }, progress]) =>
      tableRow(this.#columns, [
        modelName(options),
        bitsName(options.bits),
        progress.cards.join(','),
        progress.text(now),
      ]),
    );
    return [titleRow(this.#columns), ...lines];
  }

  /** As much of the table as the screen takes: where it is too low, the jobs under way and a count of the others. */
  #fitting(): string[] {
    const { columns = 80, rows = 24 } = this.#terminal;
    const whole = this.#table();
    const lines =
      whole.length < rows ? whole : [...this.#table(({ state }) => state === 'started'), this.#counts()];
    return lines
      .slice(1 - rows)
      .map((line) => (line.length < columns ? line : `${line.slice(0, columns - 2)}…`));
  }

  #counts(): string {
    const states = [...this.#jobs.values()].map(({ state }) => state);
    const count = (state: JobProgress['state']) => states.filter((other) => other === state).length;
    return `${count('waits')} wait, ${count('done')} done, ${count('failed')} failed`;
  }
}
