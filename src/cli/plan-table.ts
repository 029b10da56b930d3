import type { PlanEvent } from '../job/events.ts';
import { formatByteSize } from '../util/text/byte-size.ts';
import { formatDuration } from '../util/text/duration.ts';
import { MODULE, type Table } from './reports.ts';
import type { Column } from './table.ts';

const right = (title: string, width: number): Column => ({ title, width, align: 'right' });

/** Every module, and how large its smallest and largest candidates are. */
export function planTable({ modules }: PlanEvent): Table {
  const columns = [
    MODULE,
    right('weights', 12),

    right('bytes', 20),
    right('bpw', 12),
  ];
  const rows = modules.map(({ key, weights, candidateBits }) => {
    const ends = [...new Set([Math.min(...candidateBits), Math.max(...candidateBits)])];
    return [
      key,
      String(weights),
      ends.map(bitsAsBytes).join(' – '),
      ends.map((bits) => (bits / weights).toFixed(2)).join(' – '),
    ];
  });
  return { columns, rows, summary: [] };
}

/** The candidates' sizes, once for modules that have the same. */
export function candidateTable({ modules }: PlanEvent): Table {
  const measured = modules.filter(({ candidateBits }) => candidateBits.length > 1);
  const isFirst = (module: PlanEvent['modules'][number], index: number) =>
    measured.findIndex(({ candidateBits }) => String(candidateBits) === String(module.candidateBits)) ===
    index;
  const kinds = measured.filter(isFirst);
  const count = Math.max(...kinds.map(({ candidateBits }) => candidateBits.length));
  const width = Math.max(18, ...kinds.map(({ key }) => key.length));
  const columns = [right('candidate', 9), ...kinds.map(({ key }) => right(key, width))];
  const rows = Array.from({ length: count }, (_, candidate) => [
    String(candidate),
    ...kinds.map(({ candidateBits, weights }) => {
      const bits = candidateBits[candidate];
      return bits === undefined ? '' : `${bitsAsBytes(bits)}  ${(bits / weights).toFixed(2)} bpw`;
    }),
  ]);
  return { columns, rows, summary: [] };
}

const bitsAsBytes = (bits: number): string => formatByteSize(Math.ceil(bits / 8));

/** What comes out and what it takes. */
export function planSummary(event: PlanEvent): string[] {
  const { outputParts: parts, possibleBitsPerWeight: possible, calibration, gpuBudget } = event;
  const { measurement, quantization } = calibration;
  const size = formatByteSize;
  return [
    event.weightsChecked
      ? 'Weights     all values are numbers that f16 can hold'
      : 'Weights     not looked at: the conversion reads them all before it measures',
    `Possible    ${possible.least.toFixed(2)} to ${possible.most.toFixed(2)} bpw`,
    `Output      at most ${size(event.outputBytes)} at ${event.bitsPerWeight} bpw:`,
    `            modules ${size(parts.modules)}, head ${size(parts.head)}, f16 ${size(parts.stored)}, ` +
      `other files ${size(parts.copied)}`,
    `Calibration ${measurement.rows} × ${measurement.length} tokens to measure, ` +
      `${quantization.rows} × ${quantization.length} to quantize`,
    `GPU memory  at least ${size(event.gpuBytes)}: one calibration row, one candidate at a time`,
    `            in buffers of up to ${size(event.gpuBufferBytes)}`,
    ...(gpuBudget ? [`            budget ${size(gpuBudget.bytes)}${gpuBudget.why}`] : []),
    `Memory      ${size(event.memoryBytes)}; on an adapter in software GPU memory on top`,
    ...statesLines(event.states),
    `Disk        ${size(event.diskBytes)} for work directory and output`,
  ];
}

/** Where the calibration states will be, and what that costs. */
function statesLines({ gpuBytes, memoryBytes, diskBytes, diskSeconds }: PlanEvent['states']): string[] {
  const size = formatByteSize;
  const places = [
    ...(gpuBytes > 0 ? [`${size(gpuBytes)} on the GPU`] : []),
    ...(memoryBytes > 0 ? [`${size(memoryBytes)} in main memory`] : []),
    ...(diskBytes > 0 ? [`${size(diskBytes)} on disk`] : []),
  ];
  const cost = `            to and from disk at most ${formatDuration(diskSeconds)}, at 1 GB/s`;
  return [`States      ${places.join(', ')}`, ...(diskBytes > 0 ? [cost] : [])];
}
