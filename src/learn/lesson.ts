/** The lessons on the bundled model: which weights they are about, and on what text. */

import type { CalibrationMix } from '../calibrate/mix/mix-file.ts';
import type { BitWidth } from '../exl2/params.ts';
import type { ReadableDirectory } from '../io/bytes.ts';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.ts';
import { InputError } from '../util/errors.ts';
import {
  LESSON_BITS,
  LESSON_COLUMN,
  LESSON_GROUP,
  LESSON_LINEAR,
  MOST_TOKENS,
  TRAP_COUNTS,
} from './data/lesson-facts.ts';
import type { RulerData } from './data/ruler-data.ts';
import type { SweepData, SweepSettings } from './data/sweep-data.ts';
import type { TextData } from './data/text-data.ts';
import type { TrapCurve, TrapPoint } from './data/trap-data.ts';
import { meanHessian } from './hessian.ts';
import { type LessonTensors, layerInput, openLessonTensors } from './layer-input.ts';
import { ruler } from './ruler.ts';
import { sweep } from './sweep.ts';
import { roundingError, type TrapInput, trapCurve } from './trap.ts';

/** Of the text that the trap is judged on. */
const UNSEEN_TOKENS = 4096;

export class Lesson {
  readonly #tensors: LessonTensors;
  readonly #tokenizer: Tokenizer;
  /** (k, n) in the order of the input features. */
  readonly #weight: Float32Array;

  private constructor(tensors: LessonTensors, tokenizer: Tokenizer, weight: Float32Array) {
    this.#tensors = tensors;
    this.#tokenizer = tokenizer;
    this.#weight = weight;
  }

  /** Throws InputError for files that are missing or damaged. */
  static async open(model: ReadableDirectory): Promise<Lesson> {
    const [tensors, tokenizer] = await Promise.all([openLessonTensors(model), loadTokenizer(model)]);
    const rows = await tensors.outputs(LESSON_LINEAR.name, LESSON_LINEAR);
    return new Lesson(tensors, tokenizer, transposed(rows, tensors.layer.k));
  }

  get weight(): Float32Array {
    return this.#weight;
  }

  /** The tokens of a text and what the linear reads of them. Throws InputError for an empty text. */
  read(text: string): TextData {
    const { layer } = this.#tensors;
    const own = this.#tokenizer.encode(text.trim());
    if (own.length === 0) throw new InputError('The text is empty: write a sentence.');
    const bos = this.#tokenizer.bosId === undefined ? [] : [this.#tokenizer.bosId];
    const all = [...bos, ...own];
    const ids = all.slice(0, MOST_TOKENS);
    const tokens = Array.from(ids.keys(), (i) =>
      i < bos.length ? 'begin' : this.#wordAt(ids, i, bos.length),
    );
    return { tokens, k: layer.k, x: layerInput(layer, ids), left: all.length - ids.length };
  }

  ruler(bits: BitWidth, groupSize: number): RulerData {
    const { k } = this.#tensors.layer;
    const input = { weight: this.#weight, k, column: LESSON_COLUMN, columns: LESSON_LINEAR.outputs };
    return ruler(input, bits, groupSize);
  }

  sweep({ x, k }: TextData, settings: SweepSettings): SweepData {
    return sweep(this.#weight, meanHessian(x, k), k, settings);
  }

  /** Calibrates on the first tales of the mix, and looks at its last ones. */
  *trap(mix: CalibrationMix, onRounding: (error: TrapCurve['rounding']) => void): Generator<TrapPoint, void> {
    const input = this.trapInput(mix);
    onRounding(roundingError(input));
    yield* trapCurve(input);
  }

  trapInput({ categories: { tales } }: CalibrationMix): TrapInput {
    const { layer } = this.#tensors;
    const most = Math.max(...TRAP_COUNTS);
    const inputs = (texts: CalibrationMix['categories']['tales'], count: number) =>
      layerInput(layer, this.#firstTokens(texts, count));
    return {
      ...{ weight: this.#weight, k: layer.k, counts: TRAP_COUNTS },
      seen: inputs(tales, most),
      unseen: inputs(tales.toReversed(), UNSEEN_TOKENS),
      ...{ bits: LESSON_BITS, groupSize: LESSON_GROUP },
    };
  }

  #firstTokens(texts: CalibrationMix['categories']['tales'], count: number): number[] {
    const ids: number[] = [];
    const bos = this.#tokenizer.bosId === undefined ? [] : [this.#tokenizer.bosId];
    for (const { text } of texts) {
      if (ids.length >= count) break;
      ids.push(...bos, ...this.#tokenizer.encode(text), ...this.#tokenizer.eosIds.slice(0, 1));
    }
    return ids.slice(0, count);
  }

  /** The text that token `i` adds to those before it. */
  #wordAt(ids: readonly number[], i: number, first: number): string {
    const before = ids.slice(Math.max(first, i - 1), i);
    const text = (own: readonly number[]) => (own.length === 0 ? '' : this.#tokenizer.decode(own));
    return text([...before, ids[i]!]).slice(text(before).length);
  }
}

/** (k, n) of (n, k). */
function transposed(rows: Float32Array, k: number): Float32Array {
  const n = rows.length / k;
  return Float32Array.from(rows, (_, at) => rows[(at % n) * k + Math.floor(at / n)]!);
}
