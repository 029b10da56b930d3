/** Quantization parameters as measurement.json and job files of ExLlamaV2 hold them. */

import { InputError } from '../util/errors.ts';
import { checkParams, type QuantParams } from './params.ts';

export interface QuantParamsJson {
  readonly group_size: Readonly<Record<string, number>>;
  readonly bits: readonly number[];
  readonly bits_prop: readonly number[];
  readonly scale_bits: 4;
}

export function paramsToJson(params: QuantParams): QuantParamsJson {
  return {
    group_size: Object.fromEntries(params.map(({ bits, groupSize }) => [bits, groupSize])),
    bits: params.map(({ bits }) => bits),
    bits_prop: params.map(({ proportion }) => proportion),
    scale_bits: 4,
  };
}

/** `where` names the value in messages. Throws InputError. */
export function paramsFromJson(value: unknown, where: string): QuantParams {
  const { group_size, bits, bits_prop, scale_bits } = (value ?? {}) as Record<keyof QuantParamsJson, unknown>;
  if (!Array.isArray(bits) || !Array.isArray(bits_prop) || bits.length !== bits_prop.length) {
    throw new InputError(`${where}: expected two lists of equal length, "bits" and "bits_prop".`);
  }
  if (typeof group_size !== 'object' || group_size === null) {
    throw new InputError(`${where}: expected "group_size" to give one group size for every bit width.`);
  }
  if (scale_bits !== 4) throw new InputError(`${where}: "scale_bits" is ${scale_bits}; expected 4.`);
  const sizes = new Map(Object.entries(group_size));
  return checkParams(
    bits.map((width, i) => ({ bits: width, proportion: bits_prop[i], groupSize: sizes.get(String(width)) })),
    where,
  );
}
