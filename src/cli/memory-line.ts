import type { MemoryEvent } from '../job/events.ts';
import { formatByteSize } from '../util/text/byte-size.ts';

/** What is taken of each budget: `  GPU 1.20 GiB of 6.00 GiB   states 0.40 GiB of 0.61 GiB in main memory, 3.20 GiB on disk`. */
export function memoryLine({ gpuBytes, gpuBudgetBytes, states }: MemoryEvent): string {
  const size = formatByteSize;
  const { memoryBytes, memoryRoomBytes, diskBytes } = states;
  const room = memoryRoomBytes === undefined ? '' : ` of ${size(memoryRoomBytes)}`;
  const gpu = `GPU ${size(gpuBytes)} of ${size(gpuBudgetBytes)}`;
  return `  ${gpu}   states ${size(memoryBytes)}${room} in main memory, ${size(diskBytes)} on disk`;
}
