import type { AllocationEvent, ModuleEvent, PlanEvent } from '../convert/events.ts';
import { formatByteSize } from '../util/byte-size.ts';
import { formatDuration } from '../util/duration.ts';
import type { Column } from './table.ts';

/** A whole table, and what is said below it. */
export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  readonly summary: readonly string[];
}

const MODULE: Column = { title: 'module', width: 34, align: 'left' };
const BPW: Column = { title: 'bpw', width: 6, align: 'right' };
const TIME: Column = { title: 'time', width: 8, align: 'right' };
const NONE = '–';

/** The table of modules as they finish. The measurement has no result per module to show. */
export function moduleColumns(stage: ModuleEvent['stage']): Column[] {
  const results: Column[] = [BPW, { title: 'rfn error', width: 10, align: 'right' }];
  return [MODULE, ...(stage === 'quantize' ? results : []), TIME];
}

export function moduleCells(event: ModuleEvent): string[] {
  const results = [event.bitsPerWeight?.toFixed(3) ?? NONE, event.rfnError?.toFixed(6) ?? NONE];
  const time = event.resumed ? 'earlier' : formatDuration(event.seconds);
  return [event.key, ...(event.stage === 'quantize' ? results : []), time];
}

/** The chosen allocation: a row a module, then what it comes to. */
export function allocationTable(event: AllocationEvent): Table {
  const columns: Column[] = [
    MODULE,
    BPW,
    { title: 'error', width: 10, align: 'right' },
    { title: 'parameters', width: 0, align: 'left' },
  ];
  const rows = event.modules.map(({ key, bitsPerWeight, error, description }) => [
    key,
    bitsPerWeight.toFixed(3),
    error.toFixed(6),
    description,
  ]);
  const share = ((event.usedBits / event.budgetBits) * 100).toFixed(2);
  const total =
    `Together ${event.bitsPerWeight.toFixed(4)} bpw, ${share} % of the budget; ` +
    `expected error: sum ${event.sumError.toFixed(4)}, largest ${event.maxError.toFixed(4)}`;
  return { columns, rows, summary: [total] };
}

/** What a conversion would do and need. */
export function planTable(event: PlanEvent): Table {
  const columns: Column[] = [
    MODULE,
    { title: 'weights', width: 12, align: 'right' },
    { title: 'smallest', width: 9, align: 'right' },
    { title: 'largest', width: 9, align: 'right' },
    { title: 'bpw of the candidates', width: 0, align: 'left' },
  ];
  const rows = event.modules.map(({ key, weights, candidateBits }) => [
    key,
    String(weights),
    formatByteSize(Math.ceil(Math.min(...candidateBits) / 8)),
    formatByteSize(Math.ceil(Math.max(...candidateBits) / 8)),
    candidateBits.map((bits) => (bits / weights).toFixed(2)).join(' '),
  ]);
  const needs = [
    `Output at ${event.bitsPerWeight} bpw: ${formatByteSize(event.outputBytes)}`,
    `GPU memory: ${formatByteSize(event.gpuBytes)}`,
    `Memory: ${formatByteSize(event.memoryBytes)}`,
    `Disk: ${formatByteSize(event.diskBytes)}`,
  ];
  return { columns, rows, summary: needs };
}
