import type { PackedLinear } from './packed-linear.ts';

/** A packed linear from slices of its columns that have the same groups and order of rows. */
export function joinColumns(slices: readonly PackedLinear[]): PackedLinear {
  const [first] = slices;
  if (slices.length === 1) return first!;
  const n = slices.reduce((sum, slice) => sum + slice.n, 0);
  const qWeight = new Uint32Array((first!.qWeight.length / first!.n) * n);
  const qScale = new Uint32Array((first!.qScale.length / first!.n) * n);
  let start = 0;
  for (const slice of slices) {
    copyColumns(slice.qWeight, slice.n, 0, qWeight, n, start, slice.n);
    copyColumns(slice.qScale, slice.n / 8, 0, qScale, n / 8, start / 8, slice.n / 8);
    start += slice.n;
  }
  return { ...first!, n, qWeight, qScale };
}

/** Columns [start, end) of a packed linear; both multiples of 32. */
export function takeColumns(packed: PackedLinear, start: number, end: number): PackedLinear {
  if (start === 0 && end === packed.n) return packed;
  const n = end - start;
  const qWeight = new Uint32Array((packed.qWeight.length / packed.n) * n);
  const qScale = new Uint32Array((packed.qScale.length / packed.n) * n);
  copyColumns(packed.qWeight, packed.n, start, qWeight, n, 0, n);
  copyColumns(packed.qScale, packed.n / 8, start / 8, qScale, n / 8, 0, n / 8);
  return { ...packed, n, qWeight, qScale };
}

/** Copies `count` columns of every row of a matrix with `width` columns into one with `targetWidth`. */
function copyColumns(
  source: Uint32Array,
  width: number,
  start: number,
  target: Uint32Array,
  targetWidth: number,
  targetStart: number,
  count: number,
): void {
  for (let row = 0; row < source.length / width; row++) {
    const from = row * width + start;
    target.set(source.subarray(from, from + count), row * targetWidth + targetStart);
  }
}
