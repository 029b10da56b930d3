import { styleText } from 'node:util';
import type {
  ConvertEvent,
  ModuleEvent,
  OutputEvent,
  PerplexityEvent,
  ProgressEvent,
  StageEvent,
  StageName,
} from '../convert/events.ts';
import { formatByteSize } from '../util/byte-size.ts';
import { formatDuration } from '../util/duration.ts';
import { type Estimate, EtaEstimator } from '../util/eta.ts';
import { allocationTable, moduleCells, moduleColumns, planTable, type Table } from './reports.ts';
import { tableRow, titleRow } from './table.ts';
import { StatusLine, type Terminal } from './terminal.ts';

const STAGE_TITLES: Record<StageName, string> = {
  calibrate: 'Calibration data',
  measure: 'Measurement',
  optimize: 'Allocation',
  quantize: 'Quantization',
  compile: 'Output',
};

type Style = Parameters<typeof styleText>[0];

/** One event a line, for programs. */
export function jsonReport(write: (text: string) => void): (event: ConvertEvent) => void {
  return (event) => write(`${JSON.stringify(event)}\n`);
}

/** Shows a conversion to a person. */
export class TerminalReport {
  readonly #terminal: Terminal;
  readonly #line: StatusLine;
  #eta = new EtaEstimator();
  #tableOf: StageName | undefined;
  #originalPerplexity: number | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#line = new StatusLine(terminal);
  }

  show(event: ConvertEvent): void {
    if (event.type === 'progress') this.#progress(event);
    for (const line of this.#lines(event)) this.#line.print(line);
  }

  /** Removes the progress line, e.g. before an error is printed. */
  close(): void {
    this.#line.clear();
  }

  /** What stays on the screen. */
  #lines(event: ConvertEvent): string[] {
    switch (event.type) {
      case 'stage':
        return [this.#stage(event)];
      case 'module':
        return this.#module(event);
      case 'allocation':
        return this.#table(allocationTable(event));
      case 'plan':
        return this.#table(planTable(event));
      case 'perplexity':
        return [this.#perplexity(event)];
      case 'warning':
        return [this.#styled('yellow', `Warning: ${event.message}`)];
      case 'output':
        return [this.#styled('green', outputText(event))];
      // Shown by the progress line, or too many for people: the module's row sums them up.
      case 'progress':
      case 'trial':
      case 'linear':
      case 'memory':
        return [];
    }
  }

  #stage({ stage, state, seconds }: StageEvent): string {
    const title = this.#styled('bold', STAGE_TITLES[stage]);
    if (state === 'reused') return `${title}: taken from an earlier run`;
    if (state === 'done')
      return `${title}: done${seconds === undefined ? '' : ` in ${formatDuration(seconds)}`}`;
    this.#eta = new EtaEstimator();
    return title;
  }

  #progress(event: ProgressEvent): void {
    const now = this.#terminal.now();
    this.#eta.observe(event.done, now);
    this.#line.update(() => progressText(event, this.#eta.estimate(event.total, now)));
  }

  #module(event: ModuleEvent): string[] {
    const columns = moduleColumns(event.stage);
    const isFirst = this.#tableOf !== event.stage;
    this.#tableOf = event.stage;
    const row = tableRow(columns, moduleCells(event));
    return isFirst ? [this.#styled('dim', titleRow(columns)), row] : [row];
  }

  #table({ columns, rows, summary }: Table): string[] {
    return [
      this.#styled('dim', titleRow(columns)),
      ...rows.map((cells) => tableRow(columns, cells)),
      ...summary,
    ];
  }

  #perplexity({ model, value, tokens }: PerplexityEvent): string {
    const original = this.#originalPerplexity;
    if (model === 'original') this.#originalPerplexity = value;
    const change =
      model === 'quantized' && original !== undefined ? `, ${signedPercent(value / original - 1)}` : '';
    return `Perplexity, ${model}: ${value.toFixed(4)} (${tokens} tokens${change})`;
  }

  #styled(style: Style, text: string): string {
    return this.#terminal.colors ? styleText(style, text, { validateStream: false }) : text;
  }
}

/** `Measurement  12/84 trials  3.2 trials/s  1:23 left  model.layers.3.mlp` */
export function progressText(event: ProgressEvent, estimate: Estimate | undefined): string {
  const parts = [STAGE_TITLES[event.stage], `${event.done}/${event.total} ${event.unit}`];
  if (estimate)
    parts.push(rateText(estimate.rate, event.unit), `${formatDuration(estimate.secondsLeft)} left`);
  return [...parts, event.detail].join('  ');
}

function rateText(rate: number, unit: string): string {
  return rate >= 1 ? `${rate.toPrecision(3)} ${unit}/s` : `${formatDuration(1 / rate)} each`;
}

function signedPercent(share: number): string {
  return `${share < 0 ? '' : '+'}${(share * 100).toFixed(2)} %`;
}

function outputText({ directory, bytes, bitsPerWeight, headBits }: OutputEvent): string {
  return `${directory}  ${formatByteSize(bytes)}  ${bitsPerWeight.toFixed(3)} bpw, head ${headBits} bits`;
}
