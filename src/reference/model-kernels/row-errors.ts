/**
 * Squared relative errors of each row of `length` tokens: the mean over tokens of ‖y − reference‖² / ‖reference‖², and
 * that of the row as a whole; (rows, 2). Where the reference is zero, anything else is an error of 1.
 */
export function rowErrors(
  y: ArrayLike<number>,
  reference: ArrayLike<number>,
  rows: number,
  length: number,
): Float64Array {
  const hidden = y.length / rows / length;
  const errors = new Float64Array(rows * 2);
  const relative = (difference: number, power: number) =>
    power === 0 ? Number(difference !== 0) : difference / power;
  for (let row = 0; row < rows; row++) {
    let ofRow = 0;
    let powerOfRow = 0;
    for (let token = row * length; token < (row + 1) * length; token++) {
      let difference = 0;
      let power = 0;
      for (let i = token * hidden; i < (token + 1) * hidden; i++) {
        difference += (y[i]! - reference[i]!) ** 2;
        power += reference[i]! ** 2;
      }
      errors[row * 2]! += relative(difference, power) / length;
      ofRow += difference;
      powerOfRow += power;
    }
    errors[row * 2 + 1] = relative(ofRow, powerOfRow);
  }
  return errors;
}
