/** Rows start … end − 1. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

const PARTS = 4;

/**
 * Parts of the calibration rows. Each part's Hessian sum is made by itself, and then they are added in this order: so
 * the result is the same however many workers share the rows.
 */
export const rowParts = (rows: number): RowRange[] =>
  Array.from({ length: PARTS }, (_, i) => ({
    start: Math.round((i * rows) / PARTS),
    end: Math.round(((i + 1) * rows) / PARTS),
  })).filter(({ start, end }) => end > start);

/** The parts of each worker, in order, by its speed; the first worker has at least one. */
export function shareParts(parts: readonly RowRange[], speeds: readonly number[]): RowRange[][] {
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
