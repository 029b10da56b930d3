/** What the page knows of a model. */

import type { RunningNeed } from '../../src/estimate/output-size.ts';
import type { Role } from '../../src/model/spec.ts';

/** A linear of a module, for the grid; of experts one stands for all that have its parameters. */
export interface LinearFacts {
  /** Of its parameters. */
  readonly name: string;
  /** Missing in records of earlier versions. */
  readonly role?: Role;
  readonly k: number;
  readonly n: number;
}

export interface ModuleFacts {
  readonly key: string;
  readonly kind: 'attention' | 'mlp' | 'experts';
  readonly layer: number;
  readonly weights: number;
  /** How many; missing where it has none. */
  readonly experts?: number;
  /** To how many of them a token goes. */
  readonly expertsPerToken?: number;
  readonly linears: readonly LinearFacts[];
}

/** What was found in a model folder. */
export interface ModelFacts {
  readonly name: string;
  readonly architecture: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly parameters: number;
  /** Of the weights, e.g. `F16`. */
  readonly dtypes: readonly string[];
  /** Of the weight files. */
  readonly bytes: number;
  /** Missing in records of earlier versions. */
  readonly running?: RunningNeed;
  readonly modules: readonly ModuleFacts[];
  /** Token ids that the tokenizer gives; they are below this. */
  readonly tokenizerSize: number;
  readonly warnings: readonly string[];
}
