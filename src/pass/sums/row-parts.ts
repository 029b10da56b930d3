/** Rows start … end − 1. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** Rows whose Hessian sum is made by itself. */
export interface RowPart extends RowRange {
  /** 0 or 1: half of all parts that it belongs to. */
  readonly half: number;
}

/** Two of each half, as a sum of two is the same whichever comes first. */
const PARTS = 4;

/**
 * Parts of the calibration rows: (1 + 2) + (3 + 4). Their Hessian sums are always added in this way, so the result is
 * the same however many workers share the rows; and a worker with half of them has one sum to send.
 */
export const rowParts = (rows: number): RowPart[] =>
  Array.from({ length: PARTS }, (_, i) => ({
    start: Math.round((i * rows) / PARTS),
    end: Math.round(((i + 1) * rows) / PARTS),
    half: Math.floor((2 * i) / PARTS),
  })).filter(({ start, end }) => end > start);

/** The parts of each worker, in order, by its speed; the first worker has at least one. */
export function shareParts(parts: readonly RowPart[], speeds: readonly number[]): RowPart[][] {
  const total = speeds.reduce((a, b) => a + b, 0);
  let passed = 0;
  let next = 0;
  return speeds.map((speed, i) => {
    passed += speed;
    const end = Math.max(i === 0 ? 1 : next, Math.round((parts.length * passed) / total));
    const own = parts.slice(next, end);
    next = Math.max(next, end);
    return own;
  });
}
