/**
 * How a module's error comes from its linears'. Their errors are independent and small, so their squares add:
 *   sum = Σ weight · loss over the linears,
 * loss being what the quantizer minimizes (tr(DᵀHD) of the linear). A module's trials tell the weights; on
 * tinystories-7m the sum is then within 3 % of most trials' squared error. Where all linears err much, they make each
 * other's errors worse (by up to a third at 2 bits), or saturate:
 *   error² ≈ sum · (1 + bend · sum)
 */

/**
 * Pull towards linears that share the error equally: too weak to be seen where the trials tell them apart, and decides
 * where they do not.
 */
const RIDGE = 0.003;
const SWEEPS = 2000;
/** Least and most that the bend does to the largest sum: the error still grows with every loss. */
const BEND = { least: 0.75, most: 2 };
/** Change of a sweep, relative to an equal share, below which the fit has settled. */
const SETTLED = 1e-12;

/** See the top of this file. */
export interface ErrorModel {
  readonly weights: readonly number[];
  readonly bend: number;
}

/**
 * The model of a module's trials; the trial with the largest sum tells the bend.
 * @param losses (trials, linears).
 * @param errors relative errors of the module's output in each trial.
 */
export function fitErrorModel(losses: readonly (readonly number[])[], errors: readonly number[]): ErrorModel {
  const weights = fitErrorWeights(losses, errors);
  const sums = losses.map((row) => row.reduce((sum, loss, i) => sum + weights[i]! * loss, 0));
  const largest = Math.max(...sums);
  if (largest === 0) return { weights, bend: 0 };
  const ratio = errors[sums.indexOf(largest)]! ** 2 / largest;
  return { weights, bend: (Math.min(BEND.most, Math.max(BEND.least, ratio)) - 1) / largest };
}

/** The error that comes of a sum of weighted losses. */
export const errorOfSum = ({ bend }: ErrorModel, sum: number): number => Math.sqrt(sum * (1 + bend * sum));

/**
 * Weights ≥ 0 of the linears with the least Σ (predicted / error² − 1)² over the trials.
 * @param losses (trials, linears).
 * @param errors relative errors of the module's output in each trial.
 */
export function fitErrorWeights(losses: readonly (readonly number[])[], errors: readonly number[]): number[] {
  // A trial without error (a module whose output is zero) tells nothing, nor does a linear that never loses anything.
  const relative = losses.flatMap((row, trial) =>
    errors[trial]! > 0 ? [row.map((loss) => loss / errors[trial]! ** 2)] : [],
  );
  const count = losses[0]!.length;
  const indices = Array.from({ length: count }, (_, i) => i);
  const means = indices.map((i) => relative.reduce((sum, row) => sum + row[i]!, 0) / (relative.length || 1));
  // Of columns with mean 1 the weights are shares of the error.
  const columns = indices.map((i) => relative.map((row) => row[i]! / (means[i]! || 1)));
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const pull = RIDGE * (relative.length || 1);
  const gram = columns.map((a, i) => columns.map((b, j) => dot(a, b) + (i === j ? pull : 0)));
  const target = columns.map((a) => a.reduce((sum, x) => sum + x, 0) + pull / count);
  const shares = indices.map(() => 1 / count);
  // Coordinate descent: the problem is convex, and has a handful of unknowns.
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let change = 0;
    for (const i of indices) {
      const share = Math.max(0, shares[i]! + (target[i]! - dot(gram[i]!, shares)) / gram[i]![i]!);
      change = Math.max(change, Math.abs(share - shares[i]!));
      shares[i] = share;
    }
    if (change * count < SETTLED) break;
  }
  return shares.map((share, i) => (means[i]! > 0 ? share / means[i]! : 0));
}
