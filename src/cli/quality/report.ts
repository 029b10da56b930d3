import type { ConvertEvent } from '../../job/events.ts';
import { formatDuration } from '../../util/text/duration.ts';
import { EtaEstimator } from '../../util/text/eta.ts';
import { plainText } from '../../util/text/plain-text.ts';
import { errorText } from '../command.ts';
import { bitsName } from '../job-places.ts';
import { JobProgress } from '../queue/job-progress.ts';
import { StatusLine, type Terminal, writingBy } from '../terminal.ts';
import type { OriginalResult, QualityResults, Result } from './result.ts';
import type { ModelSteps, Step } from './steps.ts';
import { QualityTable } from './table.ts';

interface ReportPlaces {
  /** For the table. */
  readonly out: Terminal;
  /** For progress, warnings and failures. */
  readonly writeError: (text: string) => void;
  /** Keeps what there is so far. */
  readonly save: (results: Pick<QualityResults, 'originals' | 'results'>) => Promise<void>;
}

/** Shows a comparison while it comes to be: one table, and below it what is under way. */
export class QualityReport {
  readonly #places: ReportPlaces;
  readonly #text: string;
  readonly #status: StatusLine;
  readonly #table: QualityTable;
  readonly #models: number;
  /** Of all steps. */
  readonly #count: number;
  /** Of the step under way, from 1. */
  #number = 0;
  #step = '';
  /** What the line of progress begins with. */
  #title = '';
  #progress = new JobProgress();
  #eta = new EtaEstimator();
  readonly #warnings = new Set<string>();
  readonly #originals: OriginalResult[] = [];
  readonly #results: Result[] = [];
  readonly #failures: string[] = [];

  /** @param text what the models are compared on, in words. */
  constructor(models: readonly ModelSteps[], text: string, places: ReportPlaces) {
    const steps = models.flatMap((model) => model.steps);
    this.#places = places;
    this.#text = text;
    this.#status = new StatusLine(writingBy(places.out, places.writeError));
    this.#table = new QualityTable(steps.map(({ name }) => name));
    this.#models = models.length;
    this.#count = steps.length;
  }

  beginOriginal(model: string): void {
    this.#title = `original of ${plainText(model)}`;
    this.#eta = new EtaEstimator();
  }

  original(original: OriginalResult): void {
    const isFirst = this.#originals.length === 0;
    this.#originals.push(original);
    this.#write(`${isFirst ? '' : '\n'}${this.#table.head(original, this.#text)}`);
  }

  beginStep(model: string, { name, bits }: Step): void {
    this.#number++;
    const of = this.#models > 1 ? `${model}, ` : '';
    const at = bits === undefined ? '' : `, ${bitsName(bits)} bpw`;
    this.#step = plainText(`${of}${name}${at}`);
    this.#title = `${this.#number} of ${this.#count}  ${this.#step}`;
    this.#progress = new JobProgress();
    this.#progress.see({ type: 'job', state: 'started', cards: [] }, this.#now());
    this.#eta = new EtaEstimator();
  }

  /** What a conversion tells; a warning is shown once. */
  see(event: ConvertEvent): void {
    this.#progress.see(event, this.#now());
    if (event.type === 'warning' && !this.#warnings.has(event.message)) {
      this.#warnings.add(event.message);
      this.#status.print(`Warning, ${this.#step}: ${plainText(event.message)}`);
    }
    this.#status.update(() => `${this.#title}  ${this.#progress.text(this.#now())}`);
  }

  /** A model has done so many of its pieces; it is run, and then compared. */
  evaluating(done: number, total: number): void {
    this.#eta.observe(done, this.#now());
    this.#status.update(() => {
      const estimate = this.#eta.estimate(total, this.#now());
      const left = estimate ? `  ${formatDuration(estimate.secondsLeft)} left` : '';
      return `${this.#title}  Comparison  ${Math.floor((done / total) * 100)} %${left}`;
    });
  }

  async result(result: Result): Promise<void> {
    this.#write(this.#table.row(result));
    this.#results.push(result);
    await this.#places.save({ originals: this.#originals, results: this.#results });
  }

  /** The reason is told in full at the end. */
  async failed(facts: Omit<Result, 'found' | 'failure'>, error: unknown): Promise<void> {
    const failure = errorText(error).replace(/^Error: /, '');
    this.#failures.push(`${this.#step}: ${failure}\n`);
    await this.result({ ...facts, failure });
  }

  /** Removes the line of progress. */
  close(): void {
    this.#status.clear();
  }

  /** What failed, one after the other; empty: nothing. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  #write(text: string): void {
    this.#status.clear();
    this.#places.out.write(`${text}\n`);
  }

  #now(): number {
    return this.#places.out.now();
  }
}
