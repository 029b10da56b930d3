type Numbers = ArrayLike<number>;

/** Every value equal; NaN equals NaN, and −0 equals 0 (WGSL may lose the sign of a zero). */
export function expectExact(actual: Numbers, expected: Numbers): void {
  expectEach(actual, expected, 'equal', (a, e) => a === e || (Number.isNaN(a) && Number.isNaN(e)));
}

/** Every value within `ulps` f32 units in the last place of the expected one, or within `absolute` of it. */
export function expectUlps(actual: Numbers, expected: Numbers, ulps: number, absolute = 0): void {
  const tolerance = `within ${ulps} ulps${absolute > 0 ? ` or ${absolute}` : ''}`;
  expectEach(actual, expected, tolerance, (a, e) => Math.abs(a - e) <= Math.max(ulps * ulp(e), absolute));
}

/** Σ(actual − expected)² / Σ expected² at most `limit`. */
export function expectNmse(actual: Numbers, expected: Numbers, limit: number): void {
  const error = nmse(actual, expected);
  if (error <= limit) return;
  const worst = Array.from({ length: expected.length }, (_, i) => i).sort(
    (i, j) => Math.abs(actual[j]! - expected[j]!) - Math.abs(actual[i]! - expected[i]!),
  );
  throw new Error(`NMSE ${error}, allowed ${limit}; largest differences:\n${lines(worst, actual, expected)}`);
}

export function nmse(actual: Numbers, expected: Numbers): number {
  expectSameLength(actual, expected);
  let error = 0;
  let power = 0;
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    power += expected[i]! ** 2;
  }
  return error === 0 ? 0 : error / power;
}

/** Number of places where the two differ. */
export function countDifferent(actual: Numbers, expected: Numbers): number {
  expectSameLength(actual, expected);
  let count = 0;
  for (let i = 0; i < expected.length; i++) if (actual[i] !== expected[i]) count++;
  return count;
}

function expectEach(
  actual: Numbers,
  expected: Numbers,
  tolerance: string,
  near: (actual: number, expected: number) => boolean,
): void {
  expectSameLength(actual, expected);
  const wrong: number[] = [];
  for (let i = 0; i < expected.length; i++) if (!near(actual[i]!, expected[i]!)) wrong.push(i);
  if (wrong.length === 0) return;
  throw new Error(
    `${wrong.length} of ${expected.length} values not ${tolerance}, ` +
      `from index ${wrong[0]} to ${wrong.at(-1)}:\n${lines(wrong, actual, expected)}`,
  );
}

function expectSameLength(actual: Numbers, expected: Numbers): void {
  if (actual.length !== expected.length)
    throw new Error(`${actual.length} values, expected ${expected.length}`);
}

const lines = (indices: readonly number[], actual: Numbers, expected: Numbers): string =>
  indices
    .slice(0, 10)
    .map((i) => `  [${i}] actual ${actual[i]}, expected ${expected[i]}`)
    .join('\n');

/** Distance of neighbouring f32 values at x. */
const ulp = (x: number): number => 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(x)))) - 23);
