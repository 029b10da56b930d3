/** Indices start … end − 1. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Columns of a slice are multiples of this: padding is. */
const STEP = 32;

/** `n` columns in slices that take at most `bytes` each (or have so few columns as may be): one, where that holds all. */
export function columnSlices(n: number, columnBytes: number, bytes: number): Range[] {
  const width = Math.max(STEP, Math.floor(bytes / columnBytes / STEP) * STEP);
  return Array.from({ length: Math.ceil(n / width) }, (_, i) => ({
    start: i * width,
    end: Math.min(n, (i + 1) * width),
  }));
}
