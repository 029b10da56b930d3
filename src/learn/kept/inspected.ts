/** What a job has kept of one linear, as the page draws it. */

import type { Group } from '../../exl2/params.ts';

/** What a linear reads, from the sum H = Σ xᵀx over the calibration tokens. */
export interface HeardInput {
  /** Measuring sums what the original model's modules read, quantizing what comes out of the quantized ones before. */
  readonly stage: 'measure' | 'quantize';
  /** In the sum. */
  readonly tokens: number;
  /** H's diagonal, (k): the power of each input. */
  readonly diagonal: Float32Array;
  /** (side, side): the mean of |H| over each of so many blocks of neighbouring inputs. */
  readonly blocks: Float32Array;
}

/** The first outputs of a quantized linear, of some of its rows, in the order in which they were rounded. */
export interface RoundedLinear {
  /** Outputs that are shown. */
  readonly columns: number;
  /** Of all rows. */
  readonly groups: readonly Group[];
  /** Where the rows that are shown stand, from the first rounded one, (rows). */
  readonly places: Uint32Array;
  /** Input feature of each, (rows). */
  readonly inputs: Uint32Array;
  /** (rows, columns), as all that follows. */
  readonly codes: Uint8Array;
  /** 1 … 16, of each row's group. */
  readonly scaleCodes: Uint8Array;
  readonly scales: Float32Array;
  /** What the codes stand for. */
  readonly values: Float32Array;
  /** The original weights; missing where the model's files cannot be read now. */
  readonly original?: Float32Array;
}

/** Which linear: by its module's or choice's key and the name of its parameters; of experts the first. */
export interface LinearPlace {
  readonly module: string;
  readonly name: string;
}

export interface InspectedLinear {
  /** Its own name in the model, e.g. `model.layers.0.self_attn.q_proj`. */
  readonly key: string;
  readonly k: number;
  readonly n: number;
  /** Missing before its module is measured or quantized, and in jobs of versions that kept nothing of it. */
  readonly heard?: HeardInput;
  /** Missing before its module is quantized. */
  readonly rounded?: RoundedLinear;
}

/** Outputs, and rows, of a linear that are shown at most. */
export const MOST_COLUMNS = 32;
export const MOST_ROWS = 256;

/** Places of the rows that are shown of k: all, or so many evenly apart. */
export function shownPlaces(k: number): Uint32Array {
  const count = Math.min(MOST_ROWS, k);
  return Uint32Array.from({ length: count }, (_, i) => Math.floor((i * k) / count));
}
