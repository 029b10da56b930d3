/** Sums of the squares of each part of each row: (rows, parts), a part being `part` elements. */
export function sumSquares(x: ArrayLike<number>, rows: number, part: number): Float64Array {
  const count = x.length / rows;
  const parts = Math.ceil(count / part);
  const sums = new Float64Array(rows * parts);
  for (let i = 0; i < x.length; i++) {
    sums[Math.floor(i / count) * parts + Math.floor((i % count) / part)]! += x[i]! ** 2;
  }
  return sums;
}
