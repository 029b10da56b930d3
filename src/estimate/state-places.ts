/** Where calibration states will be, and what that costs. */

import type { RowShape } from '../calibrate/rows.ts';
import type { StatesPlan } from '../job/events.ts';
import type { QuantizerSettings } from '../job/settings.ts';
import { keepsInputs } from '../model/sizes.ts';
import type { ModelPlan } from '../model/spec.ts';
import { stateRoomOnGpu } from '../pass/state-room.ts';
import { measuringNeed, quantizingNeed } from './gpu-need.ts';

/** Tokens of the batches of rows that are on their way from and to a file. */
const STREAMED_TOKENS = 4 * 4096;
/** What an SSD reads and writes at the least, through a file system. */
const DISK_BYTES_PER_SECOND = 1e9;
/** How often a module's states are read or written: by the measurement all of both, by the quantization three times. */
const TRANSFERS = { measure: 2, quantize: 3 };

/** What a worker may take; missing: all states are in main memory. */
export interface WorkerBudgets {
  readonly gpuBytes: number;
  /** Main memory; missing: without limit. */
  readonly memoryBytes?: number | undefined;
}

/** Main memory that the batches on their way take where states are on disk. */
export const streamedBytes = ({ config }: ModelPlan): number => STREAMED_TOKENS * config.hiddenSize * 4;

/**
 * Bytes that a worker's states may take in main memory.
 * @param budget main memory of the worker. @param beside what it takes beside states.
 */
export const stateRoom = (plan: ModelPlan, budget: number, beside: number): number =>
  Math.max(0, budget - beside - streamedBytes(plan));

/** Places of a worker's states, of the stage that has most of them, where it has all rows. */
export function statePlaces(
  plan: ModelPlan,
  { measurement, quantization }: Readonly<Record<'measurement' | 'quantization', RowShape>>,
  quantizer: QuantizerSettings,
  budgets: WorkerBudgets | undefined,
  beside: number,
): StatesPlan {
  const tokens = ({ rows, length }: RowShape) => rows * length;
  const copies = keepsInputs(plan) ? 2 : 1;
  const bytes = (count: number) => copies * count * plan.config.hiddenSize * 4;
  // measurer.ts: what goes into a module and what comes out; worker-rows.ts: the quantized model's, and of the first
  // rows what is expected of it, and both of the original.
  const originals = Math.min(measurement.rows, quantization.rows) * quantization.length;
  const stages = [
    {
      all: bytes(2 * tokens(measurement)),
      need: measuringNeed(plan, measurement, quantizer),
      transfers: TRANSFERS.measure,
    },
    {
      all: bytes(tokens(quantization) + 3 * originals),
      need: quantizingNeed(plan, { rows: measurement.rows, length: quantization.length }, quantizer),
      transfers: TRANSFERS.quantize,
    },
  ];
  const room = budgets?.memoryBytes === undefined ? undefined : stateRoom(plan, budgets.memoryBytes, beside);
  const placed = stages.map(({ all, need, transfers }) => {
    const gpuBytes = Math.min(all, budgets ? Math.floor(stateRoomOnGpu(budgets.gpuBytes, need)) : 0);
    const memoryBytes = Math.min(all - gpuBytes, room ?? Number.POSITIVE_INFINITY);
    const diskBytes = all - gpuBytes - memoryBytes;
    const diskSeconds = (plan.modules.length * transfers * diskBytes) / DISK_BYTES_PER_SECOND;
    return { all, gpuBytes, memoryBytes, diskBytes, diskSeconds };
  });
  const [most] = placed.sort((a, b) => b.diskBytes - a.diskBytes || b.all - a.all);
  const { gpuBytes, memoryBytes, diskBytes } = most!;
  const diskSeconds = placed.reduce((sum, stage) => sum + stage.diskSeconds, 0);
  return { gpuBytes, memoryBytes, diskBytes, diskSeconds };
}
