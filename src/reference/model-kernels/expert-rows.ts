/** Rows of x (tokens, width) by their numbers; zeros for numbers that it does not have. */
export function gatherRows(x: ArrayLike<number>, rows: ArrayLike<number>, width: number): Float64Array {
  const y = new Float64Array(rows.length * width);
  for (let i = 0; i < y.length; i++) {
    const row = rows[Math.floor(i / width)]!;
    if (row * width < x.length) y[i] = x[row * width + (i % width)]!;
  }
  return y;
}

/** y (tokens, width) with the rows of x (count, width) added to it by their numbers and weights (count). */
export function scatterRows(
  y: ArrayLike<number>,
  x: ArrayLike<number>,
  rows: ArrayLike<number>,
  weights: ArrayLike<number>,
  width: number,
): Float64Array {
  const sum = Float64Array.from(y);
  for (let i = 0; i < rows.length; i++) {
    if (rows[i]! * width >= y.length) continue;
    for (let j = 0; j < width; j++) sum[rows[i]! * width + j]! += weights[i]! * x[i * width + j]!;
  }
  return sum;
}
