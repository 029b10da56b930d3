import type { BitWidth } from '../exl2/params.ts';
import type { QuantizerMethod } from '../gptq/method.ts';
import type { ModelDirectory } from '../io/model/model-directory.ts';
import { candidateBits, candidatesOf } from '../measurement/module-candidates.ts';
import type { LinearSpec, ModelPlan } from '../model/spec.ts';
import { DTYPES } from '../tensor/dtype.ts';
import { weightParts } from './output-size.ts';

/** The program itself with tokenizer and calibration text. */
const PROGRAM_BYTES = 350 * 2 ** 20;
/** Large tensors are read and written in pieces; a few are on their way at once. */
const PIECE_BYTES = 64 * 2 ** 20;
const PIECES = 3;
/** Larger heads are read a slice at a time, as the memory for all of it may not be there. */
const HEAD_BYTES = 2 ** 30;

/** Whether a head of so many bytes is read as a whole, while states pass through the module before it. */
export const isReadAhead = (headBytes: number): boolean => headBytes <= HEAD_BYTES;

/** Bytes of a linear's weight in the source. */
export const fileBytesIn =
  (source: ModelDirectory) =>
  ({ weight, k, n }: LinearSpec): number =>
    k * n * DTYPES[source.requireInfo(weight).dtype].bytes;

/** Main memory that a worker takes beside calibration states, at most. */
export function memoryBeside(
  source: ModelDirectory,
  plan: ModelPlan,
  method: QuantizerMethod,
  headBits: BitWidth,
): number {
  const { choices, modules, head } = plan;
  const fileBytes = fileBytesIn(source);
  const largest = choices.flatMap((choice) =>
    candidatesOf(choice, method).map((candidate) => candidateBits(choice, candidate) / 8),
  );
  // While a tensor is read back there are two of it.
  const packed = 2 * Math.max(weightParts(plan, headBits, 0).head, ...largest);
  const moduleBytes = modules.map(({ linears }) =>
    linears.reduce((sum, linear) => sum + fileBytes(linear), 0),
  );
  const headBytes = isReadAhead(fileBytes(head)) ? fileBytes(head) : 0;
  // A module and the next one, which is read meanwhile.
  const readAhead = Math.max(...moduleBytes.map((bytes, i) => bytes + (moduleBytes[i + 1] ?? headBytes)));
  const pieces = PIECES * Math.min(PIECE_BYTES, fileBytes(head));
  return Math.ceil(PROGRAM_BYTES + pieces + readAhead + packed);
}
