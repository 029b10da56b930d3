/**
 * What quantizing a linear costs by itself: the relative error of X·Q to X·W on a small sample X of its calibration
 * inputs.
 */

import type { RowShape } from '../calibrate/rows.ts';
import type { QuantizerMethod } from '../gptq/method.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { rowsOf } from '../gpu/parts.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { readRowErrors, recordRowErrors } from '../kernels/row_sums/token_errors.ts';
import { multiply } from '../model/gpu/linear.ts';
import type { LinearWeight } from '../model/gpu/weights.ts';
import { type InputKey, MODULE_INPUT, type ModuleSpec } from '../model/spec.ts';
import { relativeError } from './relative-error.ts';
import { rowParts } from './sums/row-parts.ts';

/** Tokens of a sample at most: enough for two digits of an error, and next to nothing beside the Hessians' work. */
const MOST_TOKENS = 256;

/** The sample of calibration rows of this shape: the last `length` tokens of each of the first `rows` rows. */
export const sampleShape = ({ rows, length }: RowShape): RowShape => ({
  rows: Math.min(rows, MOST_TOKENS),
  length: Math.min(length, Math.max(1, Math.floor(MOST_TOKENS / rows))),
});

/**
 * A sample of each distinct linear input of a module, kept on the GPU while its rows run forward: of experts, which get
 * other tokens each, the first ones that come of the rows of the first part, which one worker has in any case.
 */
export class InputSample {
  readonly #gpu: Gpu;
  /** Tokens of a calibration row. */
  readonly #length: number;
  readonly #shape: RowShape;
  /** (tokens, k) f32 each. */
  readonly #inputs = new Map<InputKey, GpuTensor>();
  /** Tokens so far of inputs that experts have of their own. */
  readonly #filled = new Map<InputKey, number>();
  readonly #firstPart: number;

  /**
   * For calibration rows of this shape; the tensors belong to `scope`.
   * @param rows of all calibration rows, in the parts that they are summed in.
   */
  constructor(gpu: Gpu, scope: Scope, { key, linears, mixer }: ModuleSpec, shape: RowShape, rows: number) {
    this.#firstPart = rowParts(rows)[0]!.end;
    this.#gpu = gpu;
    this.#length = shape.length;
    this.#shape = sampleShape(shape);
    const tokens = this.#shape.rows * this.#shape.length;
    for (const { input, k } of linears) {
      if (this.#inputs.has(input)) continue;
      const sample = scope.alloc([tokens, k], `sample of ${key} ${input}`);
      this.#inputs.set(input, sample);
      if (mixer.kind !== 'experts' || input === MODULE_INPUT) continue;
      this.#filled.set(input, 0);
      gpu.zero(sample);
    }
  }

  /** Takes its part of an input, (tokens, k), of a batch of rows; the first of them is row `start`. */
  take(name: InputKey, x: GpuTensor, start: number, tokens: number): void {
    const { rows, length } = this.#shape;
    const k = x.shape[1]!;
    const filled = this.#filled.get(name);
    if (filled !== undefined) {
      const count = start < this.#firstPart ? Math.min(tokens, rows * length - filled) : 0;
      this.#filled.set(name, filled + count);
      if (count > 0) this.#gpu.copyPart(x, 0, this.#inputs.get(name)!, filled * k * 4, count * k * 4);
      return;
    }
    const bytes = length * k * 4;
    const end = Math.min(start + tokens / this.#length, rows);
    for (let row = start; row < end; row++) {
      const last = ((row - start + 1) * this.#length - length) * k * 4;
      this.#gpu.copyPart(x, last, this.#inputs.get(name)!, row * bytes, bytes);
    }
  }

  /**
   * What a linear with this weight makes of the sample, without its bias: (tokens, n). Of an expert it has the tokens
   * that came alone, as others would count as free of error; one of zeros where none came.
   */
  project(scope: Scope, input: InputKey, weight: LinearWeight): GpuTensor {
    const all = this.#inputs.get(input)!;
    const x = rowsOf(all, 0, Math.max(1, this.#filled.get(input) ?? all.shape[0]!));
    const y = scope.alloc([x.shape[0]!, weight.n], 'projection of the sample');
    multiply(this.#gpu, scope, x, weight, y, { accumulate: false, mixed: false });
    return y;
  }

  /** The relative error of one projection to another. */
  async error(method: QuantizerMethod, scope: Scope, y: GpuTensor, reference: GpuTensor): Promise<number> {
    const errors = await readRowErrors(this.#gpu, recordRowErrors(this.#gpu, scope, y, reference, 1));
    return relativeError(method, errors);
  }
}
