/** What one class of the multiple-choice knapsack offers. */
export interface KnapsackOption {
  readonly value: number;
  /** Not negative. */
  readonly cost: number;
}
