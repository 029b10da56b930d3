/** A tensor that a model must have. */
export interface TensorRequirement {
  readonly name: string;
  readonly shape: readonly number[];
}
