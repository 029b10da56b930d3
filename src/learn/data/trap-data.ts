/** Relative errors of a linear's output, quantized on `tokens` calibration tokens. */
export interface TrapPoint {
  readonly tokens: number;
  /** On those tokens. */
  readonly seen: number;
  /** On other text of the same kind. */
  readonly unseen: number;
}

export interface TrapCurve {
  /** Error on the unseen text when weights are only rounded. */
  readonly rounding: number;
  readonly points: readonly TrapPoint[];
}
