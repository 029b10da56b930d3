import type { Precision } from '../autotune/precision.ts';
import type { CalibrationPreset } from '../calibrate/mix/mix-plan.ts';
import type { CalibrationRows, RowShape } from '../calibrate/rows.ts';
import type { TokenRows } from '../evaluate/token-statistics.ts';
import type { BitWidth } from '../exl2/params.ts';
import type { QuantizerMethod } from '../gptq/method.ts';
import type { TokenEncoder } from '../tokenizer/tokenizer.ts';
import type { LayerRange } from './layer-range.ts';

/** How linears are quantized. */
export interface QuantizerSettings {
  /**
   * `refined`: better scales, finer candidates and descent over the codes. `exllamav2`: bit-faithful to ExLlamaV2.
   * Both write the same format.
   */
  readonly method: QuantizerMethod;
  /** Passes of coordinate descent over the codes when a linear is quantized for good; with `refined` only. */
  readonly descentPasses: number;
}

/** As they are unless something else is asked for. */
export const QUANTIZERS: Readonly<Record<QuantizerMethod, QuantizerSettings>> = {
  refined: { method: 'refined', descentPasses: 4 },
  exllamav2: { method: 'exllamav2', descentPasses: 0 },
};

/** The largest file of an output unless something else is asked for. */
export const SHARD_BYTES = 8192 * 2 ** 20;

/** Where little time is to be taken: the passes after these gain a twentieth of the KL divergence. */
const QUICK_DESCENT_PASSES = 2;

/** @param passes of descent, where the user has chosen them. */
export function quantizerSettings(
  method: QuantizerMethod,
  preset: CalibrationPreset,
  passes?: number,
): QuantizerSettings {
  if (method === 'exllamav2') return QUANTIZERS.exllamav2;
  const { descentPasses } = QUANTIZERS[method];
  return { method, descentPasses: passes ?? (preset === 'quick' ? QUICK_DESCENT_PASSES : descentPasses) };
}

/** What ExLlamaV2 calls the built-in mix in config.json. */
export const BUILT_IN_DATASET = '(default)';

/** The name of calibration data for people. */
export const datasetText = (dataset: string): string =>
  dataset === BUILT_IN_DATASET ? 'built-in mix' : dataset;

/** What the user chose. */
export interface ConvertSettings {
  /** Average bits per weight of the attention and MLP modules. */
  readonly bits: number;
  /** Candidates that the user has fixed, by the module's key; the others share the bits that these leave. */
  readonly pinned?: Readonly<Record<string, number>>;
  readonly headBits: BitWidth;
  readonly quantizer: QuantizerSettings;
  readonly precision: Precision;
  readonly shardBytes: number;
  readonly ropeScale?: number;
  readonly ropeAlpha?: number;
  /** Name of the calibration data, for config.json. */
  readonly dataset: string;
  /** A measurement made earlier, as JSON. */
  readonly measurement?: unknown;
  /** The file that it is from, for messages. */
  readonly measurementName?: string;
  /** End after measuring. */
  readonly measureOnly?: boolean;
  /** Measure these layers alone; with `measureOnly`. */
  readonly measureLayers?: LayerRange;
}

/**
 * Makes the token rows once the tokenizer is known, how many tokens the model needs (token-need.ts), and how long its
 * rows can be at most.
 */
export interface CalibrationProvider {
  measurement(tokenizer: TokenEncoder, neededTokens: number, longest: number): Promise<CalibrationRows>;
  /** Missing where nothing will be quantized. */
  quantization?(tokenizer: TokenEncoder, neededTokens: number, longest: number): Promise<CalibrationRows>;
  /** Rows of text that is in neither of them, at most as many as asked for. */
  heldOut(tokenizer: TokenEncoder, shape: RowShape): Promise<TokenRows>;
}
