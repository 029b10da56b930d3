import { InputError, UnsupportedError } from '../../util/errors.ts';
import type { Family } from '../families/family.ts';
import type { Fields } from './fields.ts';
import { parseYarn, type YarnRope, yarnFrequency } from './yarn.ts';

/** Llama 3.1's stretching of long wavelengths; `original` is the context length before it, in tokens. */
export interface Llama3Rope {
  readonly factor: number;
  readonly lowFrequencyFactor: number;
  readonly highFrequencyFactor: number;
  readonly original: number;
}

/** Phi-3's stretching: each frequency is divided by its factor, and cos and sin are multiplied by `amplitude`. */
export interface LongRope {
  readonly factors: readonly number[];
  readonly amplitude: number;
}

/** Rotary position embedding. */
export interface RopeParams {
  /** Leading dimensions of each head that are rotated. */
  readonly rotated: number;
  /** Rotates dimensions 2i and 2i + 1 together, not i and i + rotated/2. */
  readonly pairs: boolean;
  /** Base of the frequencies, NTK alpha already in it. */
  readonly theta: number;
  /** Positions are divided by this (linear scaling). */
  readonly positionFactor: number;
  readonly llama3: Llama3Rope | undefined;
  readonly long: LongRope | undefined;
  readonly yarn: YarnRope | undefined;
}

/** ExLlamaV2's options: a linear factor that replaces the model's own, and an NTK alpha. */
export interface RopeOverrides {
  readonly ropeScale?: number;
  readonly ropeAlpha?: number;
}

type RopeFamily = Pick<Family, 'rope' | 'knows' | 'defaults'>;

const POSITIVE = { min: 1e-6, max: 1e12 };
const DEFAULT_THETA = 10000;
/** `dynamic` is the default within the context that the model was made for, and nothing longer is run. */
const SUPPORTED = ['default', 'linear', 'llama3', 'longrope', 'su', 'yarn', 'dynamic'];
const PART = { min: 1e-3, max: 1 };

/**
 * Reads `rope_parameters` (transformers 5) or `rope_theta` and `rope_scaling` (before).
 * NTK alpha: theta·alpha^(d/(d−2)), d = `headDim`, as ExLlamaV2 has it.
 * @throws InputError for wrong numbers, UnsupportedError for another rope type.
 */
export function parseRope(
  config: Fields,
  family: RopeFamily,
  headDim: number,
  maxPositions: number,
  overrides: RopeOverrides,
): RopeParams {
  const all = config.fields('rope_parameters') ?? config.fields('rope_scaling');
  const rope = family.rope?.local ? (all?.fields('full_attention') ?? all) : all;
  const type = rope ? ropeType(rope) : 'default';
  checkSupported(type, rope, family);
  const rotated = rotatedDimensions(config, rope, family, headDim);
  const theta = statedTheta(config, rope) ?? family.defaults.ropeTheta ?? DEFAULT_THETA;
  const alpha = positiveOption('rope alpha', overrides.ropeAlpha) ?? 1;
  const base = theta * alpha ** (headDim / (headDim - 2));
  const isLong = type === 'longrope' || type === 'su';
  const factor = rope && (type === 'linear' || type === 'llama3') ? requiredNumber(rope, 'factor') : 1;
  return {
    ...{ rotated, pairs: family.rope?.pairs ?? false },
    long: rope && isLong ? parseLong(config, rope, rotated, maxPositions) : undefined,
    yarn: rope && type === 'yarn' ? parseYarn(config, rope, rotated, base, maxPositions) : undefined,
    theta: base,
    positionFactor: positiveOption('rope scale', overrides.ropeScale) ?? (type === 'linear' ? factor : 1),
    llama3: rope && type === 'llama3' ? parseLlama3(rope, factor) : undefined,
  };
}

/** transformers 5 saves DBRX with a base of its own beside the model's: one of them is wrong. */
function statedTheta(config: Fields, rope: Fields | undefined): number | undefined {
  const [theta, other] = [rope?.number('rope_theta', POSITIVE), config.number('rope_theta', POSITIVE)];
  if (rope && theta !== undefined && other !== undefined && other !== theta) {
    throw rope.wrong('rope_theta', `${other}, as ${config.called('rope_theta')} says`);
  }
  return theta ?? other;
}

function ropeType(rope: Fields): string {
  const type = rope.text('rope_type') ?? rope.text('type');
  if (type === undefined && rope.get('factor') !== undefined)
    throw rope.wrong('rope_type', 'a name beside factor');
  return type ?? 'default';
}

/** Of layers with a window, where they rotate otherwise. */
export function parseLocalRope(config: Fields, family: RopeFamily, rope: RopeParams): RopeParams | undefined {
  const { local } = family.rope ?? {};
  if (!local) return undefined;
  const own = config.fields('rope_parameters')?.fields('sliding_attention');
  const theta = own?.number('rope_theta', POSITIVE) ?? config.number(local.key, POSITIVE) ?? local.absent;
  return { ...rope, theta, positionFactor: 1, llama3: undefined, long: undefined, yarn: undefined };
}

function checkSupported(type: string, rope: Fields | undefined, family: RopeFamily): void {
  if (!SUPPORTED.includes(type) && !family.rope?.types?.includes(type)) {
    throw new UnsupportedError(
      `config.json asks for rope type "${type}"; supported rope types: ${SUPPORTED.join(', ')}`,
    );
  }
  const isPerType = ['full_attention', 'sliding_attention'].some((name) => rope?.get(name) !== undefined);
  if (isPerType) {
    throw new UnsupportedError(
      'config.json has rope parameters per layer type; one set for all is supported',
    );
  }
}

/** Only families that know of it rotate a part of each head. */
function rotatedDimensions(
  config: Fields,
  rope: Fields | undefined,
  { rope: rules, knows }: RopeFamily,
  headDim: number,
): number {
  const key = 'partial_rotary_factor';
  const part = rope?.number(key, PART) ?? config.number(key, PART) ?? rules?.part ?? 1;
  if (part !== 1 && !knows.includes(key)) {
    throw new UnsupportedError(`config.json: partial_rotary_factor is ${part}; only 1 is supported`);
  }
  const rotated = Math.floor(headDim * part);
  if (rotated % 2 !== 0) {
    throw new UnsupportedError(
      `config.json: ${key} ${part} of head_dim ${headDim} are ${rotated} values, which make no pairs`,
    );
  }
  return rotated;
}

/**
 * The factors for the model's whole context, whatever is run: ExLlamaV2 takes them by the length that it is opened for,
 * which is that.
 */
function parseLong(config: Fields, rope: Fields, rotated: number, maxPositions: number): LongRope {
  const key = 'original_max_position_embeddings';
  const stated = rope.number(key, POSITIVE) ?? config.number(key, POSITIVE);
  const original = config.required(key, stated, 'a positive number');
  const isLonger = maxPositions > original;
  const name = isLonger ? 'long_factor' : 'short_factor';
  const factors = rope.numbers(name);
  if (factors?.length !== rotated / 2) throw rope.wrong(name, `a list of ${rotated / 2} numbers`);
  const ratio = maxPositions / original;
  return { factors, amplitude: isLonger ? Math.sqrt(1 + Math.log(ratio) / Math.log(original)) : 1 };
}

function parseLlama3(rope: Fields, factor: number): Llama3Rope {
  const lowFrequencyFactor = requiredNumber(rope, 'low_freq_factor');
  const highFrequencyFactor = requiredNumber(rope, 'high_freq_factor');
  if (highFrequencyFactor <= lowFrequencyFactor) {
    throw rope.wrong('high_freq_factor', `more than low_freq_factor (${lowFrequencyFactor})`);
  }
  const original = requiredNumber(rope, 'original_max_position_embeddings');
  return { factor, lowFrequencyFactor, highFrequencyFactor, original };
}

const requiredNumber = (rope: Fields, name: string): number =>
  rope.required(name, rope.number(name, POSITIVE), 'a positive number');

function positiveOption(name: string, value: number | undefined): number | undefined {
  if (value !== undefined && !(value > 0 && Number.isFinite(value))) {
    throw new InputError(`${name} is ${value}; expected a positive number`);
  }
  return value;
}

/** Radians per position of each pair of dimensions (rotated/2). */
export function inverseFrequencies(rope: RopeParams): Float64Array {
  return Float64Array.from({ length: rope.rotated / 2 }, (_, i) => {
    const frequency = rope.theta ** ((-2 * i) / rope.rotated) / (rope.long?.factors[i] ?? 1);
    if (rope.yarn) return yarnFrequency(frequency, i, rope.yarn);
    return rope.llama3 ? stretch(frequency, rope.llama3) : frequency;
  });
}

/** Short wavelengths stay, long ones are divided by the factor, those between are blended. */
function stretch(
  frequency: number,
  { factor, lowFrequencyFactor, highFrequencyFactor, original }: Llama3Rope,
) {
  const turns = (original * frequency) / (2 * Math.PI);
  if (turns > highFrequencyFactor) return frequency;
  if (turns < lowFrequencyFactor) return frequency / factor;
  const share = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
  return share * frequency + ((1 - share) * frequency) / factor;
}

/** cos and sin, each (length, rotated/2): entry (p, i) turns the i-th pair of dimensions at position p. */
export interface RopeTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** The tables of a model for positions 0 to length − 1 (Hugging Face's half-rotation convention). */
export const ropeTables = (rope: RopeParams, length: number): RopeTables =>
  rotationTables(inverseFrequencies(rope), rope.positionFactor, length, (rope.long ?? rope.yarn)?.amplitude);

/** Computed in f64 and rounded once. */
export function rotationTables(
  frequencies: Float64Array,
  positionFactor: number,
  length: number,
  amplitude = 1,
): RopeTables {
  const half = frequencies.length;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let p = 0; p < length; p++) {
    for (let i = 0; i < half; i++) {
      const angle = (p / positionFactor) * frequencies[i]!;
      cos[p * half + i] = amplitude * Math.cos(angle);
      sin[p * half + i] = amplitude * Math.sin(angle);
    }
  }
  return { cos, sin };
}
