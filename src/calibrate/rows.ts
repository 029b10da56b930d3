import type { TokenEncoder } from '../tokenizer/tokenizer.ts';
import { InputError } from '../util/errors.ts';
import type { PassedOver } from './text/passed-over.ts';

/** Token rows that are run through the model to measure and to quantize it. */
export interface CalibrationRows {
  readonly rows: number;
  /** Tokens in every row. */
  readonly length: number;
  /** (rows, length) token ids. */
  readonly ids: Int32Array;
  /** Where each row's text is from: a part of the built-in mix, or the user's file. */
  readonly sources: readonly string[];
  /** What of the user's file has no text. */
  readonly passedOver?: PassedOver;
}

/** The rows of a job. */
export interface JobRows {
  readonly measurement: CalibrationRows;
  /** Undefined where a job only measures. */
  readonly quantization: CalibrationRows | undefined;
}

/** Rows of a job that makes a model. */
export interface WholeRows extends JobRows {
  readonly quantization: CalibrationRows;
}

/** How many rows of how many tokens are wanted. */
export interface RowShape {
  readonly rows: number;
  readonly length: number;
}

/** The shape with rows of `longest` tokens at most. */
export const within = ({ rows, length }: RowShape, longest: number): RowShape => ({
  rows,
  length: Math.min(length, longest),
});

/** The first rows × length tokens of `pieces`, encoded one after the other until there are enough of them. */
export async function cutRows(
  name: string,
  pieces: Iterable<string> | AsyncIterable<string>,
  encode: TokenEncoder['encode'],
  { rows, length }: RowShape,
): Promise<CalibrationRows> {
  const ids = new Int32Array(rows * length);
  let found = 0;
  for await (const piece of pieces) {
    const tokens = await encode(piece);
    ids.set(tokens.slice(0, ids.length - found), found);
    found = Math.min(ids.length, found + tokens.length);
    if (found === ids.length) return { rows, length, ids, sources: new Array<string>(rows).fill(name) };
  }
  throw tooFewTokens(name, found, { rows, length });
}

/** A file of calibration data is too short. */
export class TooFewTokensError extends InputError {
  /** Tokens that it has. */
  readonly found: number;

  constructor(message: string, found: number) {
    super(message);
    this.found = found;
  }
}

export function tooFewTokens(name: string, found: number, { rows, length }: RowShape): TooFewTokensError {
  const enoughFor = Math.floor(found / length);
  const lower =
    enoughFor > 0 ? `at most ${enoughFor} rows of ${length} tokens` : `rows of at most ${found} tokens`;
  // One token predicts nothing.
  const orLower =
    found < 2
      ? ''
      : `, or ask for ${lower} (--dataset_rows and --length; for the measurement --measurement_rows and --measurement_length)`;
  return new TooFewTokensError(
    `${name} has ${found} tokens, but ${rows} rows × ${length} tokens = ${rows * length} are needed. Give more text${orLower}.`,
    found,
  );
}
