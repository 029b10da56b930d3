/** The partial choices that the search for a multiple-choice knapsack follows. */

/** What one class of the multiple-choice knapsack offers. */
export interface KnapsackOption {
  readonly value: number;
  /** Not negative. */
  readonly cost: number;
}

/** Choices for the first classes; number i adds `option[i]` to choice `from[i]` for one class fewer. */
export interface KnapsackBeam {
  /** Σ reduced values. */
  readonly reduced: readonly number[];
  /** Σ costs. */
  readonly used: readonly number[];
  readonly from: readonly number[];
  readonly option: readonly number[];
}

/** Every choice with every option of the next class that fits into `room`; sums above `limit` do not matter. */
export function extend(
  beam: KnapsackBeam,
  options: readonly KnapsackOption[],
  reducedValues: readonly number[],
  room: number,
  limit: number,
): KnapsackBeam {
  const reduced: number[] = [];
  const used: number[] = [];
  const from: number[] = [];
  const option: number[] = [];
  for (const [o, { cost }] of options.entries()) {
    for (let choice = 0; choice < beam.reduced.length; choice++) {
      const sum = beam.reduced[choice]! + reducedValues[o]!;
      const spent = beam.used[choice]! + cost;
      if (sum > limit || spent > room) continue;
      reduced.push(sum);
      used.push(spent);
      from.push(choice);
      option.push(o);
    }
  }
  return { reduced, used, from, option };
}

/** Leaves out every choice when another costs no more and has no larger sum of values; the rest costs ever more. */
export function withoutDominated(beam: KnapsackBeam, price: number): KnapsackBeam {
  const { used } = beam;
  const value = beam.reduced.map((sum, i) => sum - price * used[i]!);
  // Choices come in one rising run for each option, which the sort makes use of.
  const order = used.map((_, i) => i).sort((a, b) => used[a]! - used[b]! || value[a]! - value[b]!);
  let least = Number.POSITIVE_INFINITY;
  const keep = order.filter((i) => {
    if (value[i]! >= least) return false;
    least = value[i]!;
    return true;
  });
  return select(beam, keep);
}

/** The `size` choices with the smallest sums, of equals the first; `dropped` is the smallest sum of the others. */
export function keepSmallest(beam: KnapsackBeam, size: number): { beam: KnapsackBeam; dropped: number } {
  const { reduced } = beam;
  if (reduced.length <= size) return { beam, dropped: Number.POSITIVE_INFINITY };
  const dropped = Float64Array.from(reduced).sort()[size]!;
  let equals = size - reduced.filter((sum) => sum < dropped).length;
  const keep: number[] = [];
  for (const [i, sum] of reduced.entries()) {
    if (sum < dropped || (sum === dropped && equals-- > 0)) keep.push(i);
  }
  return { beam: select(beam, keep), dropped };
}

function select(beam: KnapsackBeam, keep: readonly number[]): KnapsackBeam {
  const pick = (values: readonly number[]): number[] => keep.map((i) => values[i]!);
  return {
    reduced: pick(beam.reduced),
    used: pick(beam.used),
    from: pick(beam.from),
    option: pick(beam.option),
  };
}
