import type { WorkerStatus } from '../job/events.ts';
import { formatByteSize } from '../util/text/byte-size.ts';
import { type Column, tableRow } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'worker', width: 2, align: 'right' },
  { title: 'busy', width: 10, align: 'right' },
  { title: 'memory', width: 9, align: 'right' },
  { title: 'doing', width: 46, align: 'left' },
  { title: 'adapter', width: 0, align: 'left' },
];

/** A line for each worker; what matters least stands last, where a narrow screen cuts. */
export const workerLines = (workers: readonly WorkerStatus[]): string[] =>
  workers.map(({ id, adapter, doing, busy, memoryBytes }) =>
    tableRow(COLUMNS, [
      ...[String(id), `busy ${percent(busy)}`, formatByteSize(memoryBytes)],
      ...[doing.replace(' model.', ' '), adapter],
    ]),
  );

/** How evenly they have shared the work so far. */
export const busyLine = (workers: readonly WorkerStatus[]): string =>
  `Workers busy since the start: ${workers.map(({ id, busy, doing }) => `${id}: ${doing === 'lost' ? 'lost' : percent(busy)}`).join(', ')}`;

const percent = (share: number): string => `${Math.round(100 * share)} %`;
