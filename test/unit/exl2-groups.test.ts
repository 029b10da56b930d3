import { expect, test } from 'vitest';
import { attentionCandidates, headParams, mlpCandidates } from '../../src/exl2/candidates.ts';
import { packedRowCount, resolveGroups, totalBits } from '../../src/exl2/groups.ts';
import { BIT_WIDTHS, parseParams } from '../../src/exl2/params.ts';
import { paramsFromJson } from '../../src/exl2/params-json.ts';
import { UnsupportedError } from '../../src/util/errors.ts';
import { GOLDEN_DIR, readJson } from '../support/architectures.ts';

const sizes = (k: number, text: string): string[] =>
  resolveGroups(k, parseParams(text)).map(({ bits, start, end }) => `${bits}b ${start}–${end}`);

test('widths are rounded up to whole groups, and the last group is short', () => {
  expect(sizes(288, '0.05:3b_64g/0.95:2b_64g')).toEqual([
    '3b 0–64',
    '2b 64–128',
    '2b 128–192',
    '2b 192–256',
    '2b 256–288',
  ]);
  expect(sizes(288, '0.05:8b_32g/0.95:4b_128g')).toEqual(['8b 0–32', '4b 32–160', '4b 160–288']);
});

test('a width gets nothing when those above it need all rows', () => {
  expect(sizes(32, '0.1:4b_128g/0.9:3b_128g')).toEqual(['4b 0–32']);
  expect(sizes(64, '0.05:6b_32g/0.2:3b_64g/0.75:2b_64g')).toEqual(['6b 0–32', '3b 32–64']);
});

test('every candidate covers every k without gaps, in whole words', () => {
  const candidates = [...attentionCandidates(), ...mlpCandidates(true)].flatMap((row) => Object.values(row));
  for (const params of [...candidates, ...BIT_WIDTHS.map(headParams)]) {
    for (let k = 32; k <= 2048; k += 32) {
      const groups = resolveGroups(k, params);
      expect(groups[0]!.start).toBe(0);
      expect(groups.at(-1)!.end).toBe(k);
      expect(groups.every(({ start }, i) => i === 0 || start === groups[i - 1]!.end)).toBe(true);
      const bits = groups.reduce((sum, { bits, start, end }) => sum + bits * (end - start), 0);
      expect(packedRowCount(groups) * 32).toBe(bits);
    }
  }
});

test.each([0, -32, 48, 100, 32.5, Number.NaN])('refuses %d input features and says what to do', (k) => {
  expect(() => resolveGroups(k, parseParams('1:4b_32g'))).toThrow(UnsupportedError);
  expect(() => resolveGroups(k, parseParams('1:4b_32g'))).toThrow('Pad the model’s weights with zeros');
});

interface Case {
  readonly k: number;
  readonly n: number;
  readonly params: unknown;
  readonly total_bits: number;
}

const { cases } = readJson(`${GOLDEN_DIR}/total_bits.json`) as { cases: Case[] };

test('bits are counted as ExLlamaV2 counts them, in 25 cases', () => {
  expect(cases).toHaveLength(25);
  for (const { k, n, params, total_bits } of cases) {
    expect(totalBits(k, n, paramsFromJson(params, `case (${k}, ${n})`), false)).toBe(total_bits);
  }
});

test('a bias costs 16 bits an element', () => {
  const params = parseParams('1:4b_128g');
  expect(totalBits(256, 96, params, true) - totalBits(256, 96, params, false)).toBe(16 * 96);
});
