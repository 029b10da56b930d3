type Numbers = ArrayLike<number>;

/** What is to be 0 and is not is wholly wrong. */
const relative = (difference: number, power: number): number =>
  power === 0 ? Number(difference !== 0) : difference / power;

/** ‖y − reference‖² and ‖reference‖² of `count` values from number `start` on. */
function squares(y: Numbers, reference: Numbers, start: number, count: number): [number, number] {
  let [difference, power] = [0, 0];
  for (let i = start; i < start + count; i++) {
    difference += (y[i]! - reference[i]!) ** 2;
    power += reference[i]! ** 2;
  }
  return [difference, power];
}

/**
 * Of every `part` tokens of a row the sums of ‖y − reference‖² / ‖reference‖², of ‖y − reference‖² and of
 * ‖reference‖²: (rows, parts, 3).
 */
export function tokenErrors(
  y: Numbers,
  reference: Numbers,
  rows: number,
  length: number,
  part: number,
): Float64Array {
  const hidden = y.length / rows / length;
  const parts = Math.ceil(length / part);
  const sums = new Float64Array(rows * parts * 3);
  for (let token = 0; token < rows * length; token++) {
    const [difference, power] = squares(y, reference, token * hidden, hidden);
    const at = (Math.floor(token / length) * parts + Math.floor((token % length) / part)) * 3;
    sums[at]! += relative(difference, power);
    sums[at + 1]! += difference;
    sums[at + 2]! += power;
  }
  return sums;
}
