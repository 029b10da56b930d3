/** Σ(y − reference)² and Σ reference² of each part of each row: (rows, parts, 2), a part being `part` elements. */
export function differenceNorms(
  y: ArrayLike<number>,
  reference: ArrayLike<number>,
  rows: number,
  part: number,
): Float64Array {
  const count = y.length / rows;
  const parts = Math.ceil(count / part);
  const sums = new Float64Array(rows * parts * 2);
  for (let i = 0; i < y.length; i++) {
    const at = Math.floor(i / count) * parts + Math.floor((i % count) / part);
    sums[at * 2]! += (y[i]! - reference[i]!) ** 2;
    sums[at * 2 + 1]! += reference[i]! ** 2;
  }
  return sums;
}
