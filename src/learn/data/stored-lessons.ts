/** What conversions of the bundled model left for the lessons; `npm run build:lessons` writes it into public/lessons. */

/** When and on what it was made. */
export interface LessonOrigin {
  readonly date: string;
  readonly model: string;
  /** GPU adapter and processor. */
  readonly machine: string;
}

/** A linear of a module. */
export interface StoredLinear {
  /** E.g. `q_proj`. */
  readonly name: string;
  readonly k: number;
  readonly n: number;
}

/** A candidate that was measured, or follows from measured ones. */
export interface StoredCandidate {
  /** As ExLlamaV2 counts them. */
  readonly bits: number;
  /** Relative error of the module's output, token by token. */
  readonly error: number;
  /** Of each linear in their order: index into the lesson's `settings`. */
  readonly settings: readonly number[];
}

export interface StoredModule {
  /** E.g. `model.layers.0.self_attn`. */
  readonly key: string;
  readonly linears: readonly StoredLinear[];
  readonly candidates: readonly StoredCandidate[];
}

/** The measurement of all modules: measurement.json without what the lessons do not show. */
export interface StoredMeasurement {
  readonly made: LessonOrigin;
  /** Calibration tokens of the measurement. */
  readonly tokens: number;
  /** As ExLlamaV2 writes them, e.g. `1:4b_128g s4`. */
  readonly settings: readonly string[];
  readonly modules: readonly StoredModule[];
}

/** What a model thinks of the token after one. */
export interface StoredView {
  /** The most likely tokens with their probabilities, falling. */
  readonly top: readonly (readonly [id: number, probability: number])[];
  /** Probability of the token that the text goes on with. */
  readonly next: number;
  /** KL divergence from the original's view, nats. */
  readonly divergence: number;
}

export interface StoredOutput {
  /** Average bits per weight that were asked for; undefined: the original. */
  readonly bits?: number;
  /** Of attention and MLP, as stored. */
  readonly bitsPerWeight: number;
  /** Of all weights, in the files. */
  readonly bytes: number;
  /** By text, by position; none for the last token of a text. */
  readonly views: readonly (readonly StoredView[])[];
}

/** What the original and its outputs think of some texts. */
export interface StoredOutputs {
  readonly made: LessonOrigin;
  /** Tokens of each text, the one that begins a text included. */
  readonly texts: readonly (readonly number[])[];
  /** What the ids that occur look like. */
  readonly words: Readonly<Record<number, string>>;
  /** The original first, then by rising bits. */
  readonly outputs: readonly StoredOutput[];
}
