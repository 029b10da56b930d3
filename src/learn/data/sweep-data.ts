/** The sweep as data: what the page draws, wherever it comes from. */

import type { BitWidth, Group } from '../../exl2/params.ts';

export interface SweepSettings {
  readonly bits: BitWidth;
  /** Rows that share scales. */
  readonly groupSize: number;
  /** Later rows make up for what rounding does. */
  readonly compensate: boolean;
  /** The loudest inputs first. */
  readonly actOrder: boolean;
}

/** Columns of a linear, (k, n), and how they were quantized row by row. */
export interface SweepData {
  readonly k: number;
  readonly n: number;
  readonly settings: SweepSettings;
  readonly groups: readonly Group[];
  /** Input feature of each row, (k). */
  readonly order: Uint32Array;
  /** Before the sweep, in its order, (k, n). */
  readonly weight: Float32Array;
  /** As chosen, (k, n). */
  readonly codes: Uint8Array;
  /** What the codes stand for, (k, n). */
  readonly values: Float32Array;
  /** Of each group, (groups, n). */
  readonly scales: Float32Array;
  /** 1 … 16, (groups, n). */
  readonly scaleCodes: Uint8Array;
  /** Bits of the f16 that the groups store, (groups). */
  readonly units: Uint16Array;
  /** [row, later]: what one unit of a row's error subtracts from a later row; zeros without compensation. (k, k). */
  readonly spread: Float32Array;
  /** Relative error of the output on the text after 0 … k rows. */
  readonly losses: Float32Array;
}

/** The columns in the middle of a sweep. */
export interface SweepState {
  /** Rows that are rounded. */
  readonly done: number;
  /** Rounded rows, and the others as they stand now, (k, n). */
  readonly now: Float32Array;
  /** Of each rounded row: its value just before, (done, n) of (k, n). */
  readonly before: Float32Array;
}

/** The columns before the first row. */
export const sweepStart = ({ weight }: SweepData): SweepState => ({
  done: 0,
  now: weight.slice(),
  before: new Float32Array(weight.length),
});

/** The columns after `done` rows; goes on from `state` where that is not behind it. */
export function sweepAt(data: SweepData, done: number, from?: SweepState): SweepState {
  const start = from && from.done <= done ? from : sweepStart(data);
  const state = { done, now: start.now.slice(), before: start.before.slice() };
  for (let row = start.done; row < done; row++) step(data, state, row);
  return state;
}

function step({ k, n, values, spread, settings }: SweepData, state: SweepState, row: number): void {
  const { now, before } = state;
  const [first, end] = [row * n, (row + 1) * n];
  before.set(now.subarray(first, end), first);
  for (let later = row + 1; settings.compensate && later < k; later++) {
    const share = spread[row * k + later]!;
    for (let column = 0; column < n; column++)
      now[later * n + column]! -= share * (now[first + column]! - values[first + column]!);
  }
  now.set(values.subarray(first, end), first);
}
