import type { SizedModule } from '../allocate/allocate.ts';
import type { RowShape } from '../calibrate/rows.ts';
import { keepsInputs } from '../model/sizes.ts';
import type { LinearSpec, ModelPlan } from '../model/spec.ts';

/** The program itself with tokenizer and calibration text. */
const PROGRAM_BYTES = 350 * 2 ** 20;
/** Large tensors are read and written in pieces; a few are on their way at once. */
const PIECE_BYTES = 64 * 2 ** 20;
const PIECES = 3;

export interface MemoryRequest {
  readonly measurement: RowShape;
  readonly quantization: RowShape;
  /** Of the packed head. */
  readonly headBytes: number;
  /** Of a linear's weight in the source. */
  readonly fileBytes: (linear: LinearSpec) => number;
}

/** Main memory that a conversion takes when all calibration states are in it. */
export function memoryNeed(
  plan: ModelPlan,
  sized: readonly SizedModule[],
  { measurement, quantization, headBytes, fileBytes }: MemoryRequest,
): number {
  const { config, modules, head } = plan;
  const { hiddenSize, vocabSize } = config;
  const count = ({ rows, length }: RowShape) => rows * length;
  // Each pass has what goes into a module and what comes out; the second also of the original model.
  const originals = Math.min(measurement.rows, quantization.rows) * quantization.length;
  // Where modules stand beside each other, what they read is kept beside each of these.
  const tokens = keepsInputs(plan)
    ? 2 * Math.max(2 * count(measurement), count(quantization) + 3 * originals)
    : 2 * Math.max(count(measurement), count(quantization) + originals);
  const vectors = Math.min(vocabSize, Math.max(count(measurement), count(quantization)));
  const largest = sized.flatMap(({ candidates }) => candidates.map(({ totalBits }) => totalBits / 8));
  // While a tensor is read back there are two of it.
  const packed = 2 * Math.max(headBytes, ...largest);
  const moduleBytes = modules.map(({ linears }) =>
    linears.reduce((sum, linear) => sum + fileBytes(linear), 0),
  );
  // A module and the next one, which is read meanwhile.
  const readAhead = Math.max(...moduleBytes.map((bytes, i) => bytes + (moduleBytes[i + 1] ?? 0)));
  const pieces = PIECES * Math.min(PIECE_BYTES, fileBytes(head));
  const atOnce = Math.max(vectors * hiddenSize * 4, readAhead + packed);
  return Math.ceil(PROGRAM_BYTES + tokens * hiddenSize * 4 + pieces + atOnce);
}
