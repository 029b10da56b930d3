import type {
  AllocationEvent,
  EvaluationEvent,
  ModuleEvent,
  OutputEvent,
  ProgressEvent,
  StartEvent,
} from '../job/events.ts';
import { STAGE_TITLES } from '../job/stages.ts';
import { formatByteSize } from '../util/text/byte-size.ts';
import { formatDuration } from '../util/text/duration.ts';
import type { Estimate } from '../util/text/eta.ts';
import { shortParams } from './short-params.ts';
import type { Column } from './table.ts';

/** A whole table, and what is said below it. */
export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  readonly summary: readonly string[];
}

/** Errors of a measured module, by what they say about it. */
export interface MeasuredErrors {
  readonly atLeastBits: number;
  readonly nearTarget: number;
  readonly atMostBits: number;
}

export const MODULE: Column = { title: 'module', width: 26, align: 'left' };
const NONE = '–';

const right = (title: string, width: number): Column => ({ title, width, align: 'right' });
const BPW = right('bpw', 6);
const TIME = right('time', 8);

/** What is converted, on what, and to what. */
export function startLines({ model, gpu, bitsPerWeight, headBits }: StartEvent): string[] {
  const { name, architecture, layers, hiddenSize, vocabSize, parameters, dtypes, bytes } = model;
  const size = `${millions(parameters)} parameters in ${dtypes.join(' and ')}, ${formatByteSize(bytes)}`;
  return [
    `Model   ${name}`,
    `        ${architecture}, ${size}`,
    `        ${layers} layers, hidden size ${hiddenSize}, vocabulary ${vocabSize}`,
    ...(gpu ? [gpuLine(gpu)] : []),
    `Target  ${bitsPerWeight} bpw, head ${headBits} bits`,
  ];
}

const gpuLine = ({ name, software, budgetBytes, budgetWhy = '' }: NonNullable<StartEvent['gpu']>): string =>
  `GPU     ${name}${software ? ' (in software: slow)' : ''}, memory budget ${formatByteSize(budgetBytes)}${budgetWhy}`;

/** The table of modules as they finish. `target` in bits per weight. */
export function moduleColumns(stage: ModuleEvent['stage'], target: number | undefined): Column[] {
  if (stage === 'quantize') return [MODULE, BPW, right('rfn error', 9), TIME];
  const near = `at ${target ?? NONE} bpw`;
  return [MODULE, right('error at min', 12), right(near, near.length), right('at max', 8), TIME];
}

export function moduleTableCells(event: ModuleEvent, measured: MeasuredErrors | undefined): string[] {
  const results =
    event.stage === 'quantize'
      ? [event.bitsPerWeight?.toFixed(3), event.rfnError?.toFixed(6)]
      : [measured?.atLeastBits, measured?.nearTarget, measured?.atMostBits].map((error) => error?.toFixed(6));
  const time = event.resumed ? 'earlier' : formatDuration(event.seconds);
  return [event.key, ...results.map((result) => result ?? NONE), time];
}

/** The chosen allocation: a row a module, then what it comes to. */
export function allocationTable(event: AllocationEvent): Table {
  const columns: Column[] = [
    MODULE,
    BPW,
    right('error', 9),
    { title: 'bits and group sizes', width: 0, align: 'left' },
  ];
  const rows = event.modules.map(({ key, bitsPerWeight, error, description }) => [
    key,
    bitsPerWeight.toFixed(3),
    error.toFixed(6),
    shortParams(description),
  ]);
  const share = ((event.usedBits / event.budgetBits) * 100).toFixed(2);
  const total =
    `Together ${event.bitsPerWeight.toFixed(4)} bpw, ${share} % of the budget; ` +
    `largest error ${event.maxError.toFixed(4)}`;
  return { columns, rows, summary: [total] };
}

/** `Measurement  12 %  3.21 M weights/s  1:23 left  model.layers.3.mlp` */
export function progressText(event: ProgressEvent, estimate: Estimate | undefined): string {
  const parts = [STAGE_TITLES[event.stage], `${Math.floor((event.done / event.total) * 100)} %`];
  if (estimate)
    parts.push(rateText(estimate.rate, event.unit), `${formatDuration(estimate.secondsLeft)} left`);
  return [...parts, event.detail].join('  ');
}

function rateText(rate: number, unit: ProgressEvent['unit']): string {
  if (unit === 'bytes') return `${formatByteSize(rate)}/s`;
  return unit === 'steps' ? `${rate.toPrecision(2)} steps/s` : `${millions(rate)} weights/s`;
}

/** Three digits: `7.08 M`, `0.0123 M`. */
const millions = (count: number): string =>
  `${count >= 999.5e6 ? Math.round(count / 1e6) : (count / 1e6).toPrecision(3)} M`;

export const outputText = ({ directory, bytes, bitsPerWeight, headBits }: OutputEvent): string =>
  `${directory}  ${formatByteSize(bytes)}  ${bitsPerWeight.toFixed(3)} bpw, head ${headBits} bits`;

/** What quantization cost, on text that was not used for calibration. */
export function evaluationLines({ measures }: EvaluationEvent): string[] {
  const { rows, length, perplexity, divergence, agreement } = measures;
  return [
    `On held-out text, ${rows} rows of ${length} tokens: perplexity ${perplexity.model.toFixed(4)}, of the original ${perplexity.reference.toFixed(4)}`,
    `KL divergence from the original: mean ${divergence.mean.toFixed(5)}, median ${divergence.median.toFixed(5)}, 99 % below ${divergence.p99.toFixed(5)}; top-1 agreement ${(agreement * 100).toFixed(2)} %`,
  ];
}
