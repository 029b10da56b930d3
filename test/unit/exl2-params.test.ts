import { expect, test } from 'vitest';
import { describe, parseParams, type QuantParams } from '../../src/exl2/params.ts';
import { paramsFromJson, paramsToJson } from '../../src/exl2/params-json.ts';
import { InputError } from '../../src/util/errors.ts';

const mixed: QuantParams = [
  { bits: 8, proportion: 0.05, groupSize: 32 },
  { bits: 4, proportion: 0.1, groupSize: 128 },
  { bits: 3, proportion: 0.85, groupSize: 128 },
];

test('parameters are described as in the log of ExLlamaV2, and read back', () => {
  const text = '0.05:8b_32g/0.1:4b_128g/0.85:3b_128g s4';
  expect(describe(mixed)).toBe(text);
  expect(parseParams(text)).toEqual(mixed);
  expect(parseParams('1:4b_32g')).toEqual([{ bits: 4, proportion: 1, groupSize: 32 }]);
});

test('parameters go through the JSON of ExLlamaV2', () => {
  const json = {
    group_size: { '3': 128, '4': 128, '8': 32 },
    bits: [8, 4, 3],
    bits_prop: [0.05, 0.1, 0.85],
    scale_bits: 4,
  };
  expect(paramsToJson(mixed)).toEqual(json);
  expect(paramsFromJson(json, 'here')).toEqual(mixed);
});

test.each([
  ['', 'bit width NaN'],
  ['1:7b_32g', 'bit width 7'],
  ['1:4b_48g', 'group size 48 of 4 bits; expected a multiple of 32'],
  ['1:4b_0g', 'group size 0'],
  ['0:4b_32g/1:3b_32g', 'proportion 0 of 4 bits'],
  ['2:4b_32g', 'proportion 2 of 4 bits'],
  ['0.5:3b_32g/0.5:4b_32g', 'bit widths 3, 4; expected them from high to low'],
  ['0.5:4b_32g/0.5:4b_64g', 'bit widths 4, 4'],
  ['0.5:4b_32g/0.4:3b_32g', 'the proportions sum to 0.9'],
])('refuses %j', (text, message) => {
  expect(() => parseParams(text)).toThrow(InputError);
  expect(() => parseParams(text)).toThrow(message);
});

test.each([
  [null, 'expected two lists'],
  [{ bits: [4], bits_prop: [0.5, 0.5] }, 'lists of equal length'],
  [{ bits: [4], bits_prop: [1], scale_bits: 4 }, '"group_size"'],
  [{ bits: [4], bits_prop: [1], group_size: { 3: 32 }, scale_bits: 4 }, 'group size undefined of 4 bits'],
  [{ bits: [4], bits_prop: [1], group_size: { 4: 32 }, scale_bits: 8 }, '"scale_bits" is 8'],
  [{ bits: ['4'], bits_prop: [1], group_size: { 4: 32 }, scale_bits: 4 }, 'bit width 4; expected one of'],
  [{ bits: [4], bits_prop: ['1'], group_size: { 4: 32 }, scale_bits: 4 }, 'proportion 1'],
])('refuses the JSON %j', (json, message) => {
  expect(() => paramsFromJson(json, 'lm_head')).toThrow(InputError);
  expect(() => paramsFromJson(json, 'lm_head')).toThrow(message);
  expect(() => paramsFromJson(json, 'lm_head')).toThrow('lm_head');
});
