import { styleText } from 'node:util';
import type {
  ConvertEvent,
  MemoryEvent,
  ModuleEvent,
  PerplexityEvent,
  PlanEvent,
  ProgressEvent,
  StageEvent,
  StartEvent,
  TrialEvent,
  WorkerStatus,
} from '../job/events.ts';
import { STAGE_TITLES, type StageName } from '../job/stages.ts';
import { formatByteSize } from '../util/text/byte-size.ts';
import { formatDuration } from '../util/text/duration.ts';
import { EtaEstimator } from '../util/text/eta.ts';
import { plainStrings } from '../util/text/plain-text.ts';
import { jsonLine } from './json-line.ts';
import { memoryLine } from './memory-line.ts';
import { candidateTable, planSummary, planTable } from './plan-table.ts';
import {
  allocationTable,
  evaluationLines,
  type MeasuredErrors,
  moduleColumns,
  moduleTableCells,
  outputText,
  progressText,
  startLines,
  type Table,
} from './reports.ts';
import { tableRow, titleRow } from './table.ts';
import { StatusLine, type Terminal } from './terminal.ts';
import { busyLine, workerLines } from './workers-text.ts';

type Style = Parameters<typeof styleText>[0];

/** One event a line, for programs. */
export function jsonReport(write: (text: string) => void): (event: ConvertEvent) => void {
  return (event) => write(jsonLine(event));
}

/** In the others one worker does everything. */
const SHARED_STAGES: readonly StageName[] = ['measure', 'quantize'];

/** Shows a conversion to a person. */
export class TerminalReport {
  readonly #terminal: Terminal;
  readonly #line: StatusLine;
  #eta = new EtaEstimator();
  #tableOf: StageName | undefined;
  #originalPerplexity: number | undefined;
  #target: number | undefined;
  /** Of the modules under way, the latest of each candidate. */
  readonly #trials = new Map<string, Map<number, TrialEvent>>();
  #memory: MemoryEvent | undefined;
  /** Of the stage under way. */
  #latest: ProgressEvent | undefined;
  /** Where several share the work. */
  #workers: readonly WorkerStatus[] = [];
  readonly #started: number;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#started = terminal.now();
    this.#line = new StatusLine(terminal);
  }

  show(told: ConvertEvent): void {
    const event = plainStrings(told);
    this.#notice(event);
    for (const line of this.#lines(event)) this.#line.print(line);
  }

  /** Removes the progress line, e.g. before an error is printed. */
  close(): void {
    this.#line.clear();
  }

  /** Events that change what later ones show. */
  #notice(event: ConvertEvent): void {
    if (event.type === 'progress') this.#progress(event);
    else if (event.type === 'workers') this.#workersChanged(event.workers);
    else if (event.type === 'trial') this.#tried(event);
    else if (event.type === 'memory') this.#memory = event;
    else if (event.type === 'start') this.#target = event.bitsPerWeight;
  }

  #tried(event: TrialEvent): void {
    const trials = this.#trials.get(event.module) ?? new Map<number, TrialEvent>();
    this.#trials.set(event.module, trials.set(event.candidate, event));
  }

  /** What stays on the screen. */
  #lines(event: ConvertEvent): string[] {
    switch (event.type) {
      case 'start':
        return this.#start(event);
      case 'stage':
        return this.#stage(event);
      case 'module':
        return this.#module(event);
      case 'allocation':
        return this.#table(allocationTable(event));
      case 'plan':
        return this.#plan(event);
      case 'perplexity':
        return [this.#perplexity(event)];
      case 'reference':
        return [
          `Perplexity of the original on held-out text: ${event.perplexity.toFixed(4)} (${event.tokens} tokens)`,
        ];
      case 'evaluation':
        return evaluationLines(event);
      case 'warning':
        return [this.#styled('yellow', `Warning: ${event.message}`)];
      case 'adjustment':
        return [`Adjusted: ${event.message}`];
      case 'output':
        return [this.#effort(), this.#styled('green', outputText(event))];
      // Shown by the progress line and those below it, or summed up by the module's row.
      case 'progress':
      case 'trial':
      case 'linear':
      case 'memory':
      case 'workers':
        return [];
    }
  }

  #start(event: StartEvent): string[] {
    return startLines(event).map((line) => this.#clipped(line));
  }

  #stage({ stage, state, seconds }: StageEvent): string[] {
    const title = this.#styled('bold', STAGE_TITLES[stage]);
    this.#latest = undefined;
    if (state === 'reused') return [`${title}: taken from an earlier run`];
    if (state === 'done') {
      const done = `${title}: done${seconds === undefined ? '' : ` in ${formatDuration(seconds)}`}`;
      const isLogged = this.#terminal.columns === undefined && this.#isShared(stage);
      return isLogged ? [done, busyLine(this.#workers)] : [done];
    }
    this.#eta = new EtaEstimator();
    return [title];
  }

  #progress(event: ProgressEvent): void {
    this.#latest = event;
    this.#eta.observe(event.done, this.#terminal.now());
    this.#draw(event);
  }

  #draw(event: ProgressEvent): void {
    const estimate = () => this.#eta.estimate(event.total, this.#terminal.now());
    this.#line.update(
      () => progressText(event, estimate()),
      () => [
        ...(this.#isShared(event.stage) ? workerLines(this.#workers) : []),
        ...(this.#memory ? [memoryLine(this.#memory)] : []),
      ],
    );
  }

  #workersChanged(workers: readonly WorkerStatus[]): void {
    this.#workers = workers;
    if (this.#latest && this.#terminal.columns !== undefined) this.#draw(this.#latest);
  }

  #isShared(stage: StageName): boolean {
    return this.#workers.length > 1 && SHARED_STAGES.includes(stage);
  }

  #module(event: ModuleEvent): string[] {
    const columns = moduleColumns(event.stage, this.#target);
    const isFirst = this.#tableOf !== event.stage;
    this.#tableOf = event.stage;
    const row = this.#clipped(tableRow(columns, moduleTableCells(event, this.#measured(event.key))));
    this.#trials.delete(event.key);
    return isFirst ? [this.#styled('dim', this.#clipped(titleRow(columns))), row] : [row];
  }

  /** Of the trials of the module that has finished. */
  #measured(key: string): MeasuredErrors | undefined {
    const target = this.#target ?? 0;
    const byBits = [...(this.#trials.get(key)?.values() ?? [])].sort(
      (a, b) => a.bitsPerWeight - b.bitsPerWeight,
    );
    const distance = ({ bitsPerWeight }: TrialEvent) => Math.abs(bitsPerWeight - target);
    const [nearest] = [...byBits].sort((a, b) => distance(a) - distance(b));
    const [least, most] = [byBits[0], byBits.at(-1)];
    if (!least || !nearest || !most) return undefined;
    return { atLeastBits: least.error, nearTarget: nearest.error, atMostBits: most.error };
  }

  #plan(event: PlanEvent): string[] {
    return [
      ...this.#table(planTable(event)),
      '',
      ...this.#table(candidateTable(event)),
      '',
      ...planSummary(event),
    ];
  }

  #table({ columns, rows, summary }: Table): string[] {
    return [
      this.#styled('dim', this.#clipped(titleRow(columns))),
      ...rows.map((cells) => this.#clipped(tableRow(columns, cells))),
      ...summary,
    ];
  }

  /** Time and memory that it took. */
  #effort(): string {
    const time = `Took ${formatDuration(this.#terminal.now() - this.#started)}`;
    return this.#memory
      ? `${time}, at most ${formatByteSize(this.#memory.gpuPeakBytes)} of GPU memory`
      : time;
  }

  #perplexity({ model, value, tokens }: PerplexityEvent): string {
    const original = this.#originalPerplexity;
    if (model === 'original') this.#originalPerplexity = value;
    const change =
      model === 'quantized' && original !== undefined ? `, ${signedPercent(value / original - 1)}` : '';
    return `Perplexity, ${model}: ${value.toFixed(4)} (${tokens} tokens${change})`;
  }

  /** Rows that a screen would break are cut. */
  #clipped(row: string): string {
    const { columns } = this.#terminal;
    return columns === undefined || row.length <= columns ? row : `${row.slice(0, columns - 1)}…`;
  }

  #styled(style: Style, text: string): string {
    return this.#terminal.colors ? styleText(style, text, { validateStream: false }) : text;
  }
}

function signedPercent(share: number): string {
  return `${share < 0 ? '' : '+'}${(share * 100).toFixed(2)} %`;
}
