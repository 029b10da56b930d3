import { expect, test } from 'vitest';
import {
  formatBits,
  formatBytes,
  formatCount,
  formatCountdown,
  formatDate,
  formatDivergence,
  formatFlops,
  formatPercent,
  formatRate,
  formatRoughDuration,
  formatRoundBytes,
  formatSeconds,
} from '../../src/app/format.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [999_499, '999 kB'],
  [999_500, '1.00 MB'],
  [13_644_256, '13.6 MB'],
  [3.1e9, '3.10 GB'],
  [5e15, '5000 TB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('round sizes have no digits that say nothing', () => {
  expect([5e6, 5.5e6, 500e9, 0].map(formatRoundBytes)).toEqual(['5 MB', '5.5 MB', '500 GB', '0 B']);
});

test('counts and rates have the units that people use', () => {
  expect(formatCount(6_820_000)).toBe('6.82 M');
  expect(formatCount(7.25e9)).toBe('7.25 B');
  expect(formatCount(42)).toBe('42');
  expect(formatFlops(12.3e12)).toBe('12.3 TFLOP/s');
  expect(formatBits(4)).toBe('4.00');
});

test('errors have at least two digits and at most three', () => {
  expect([0.131, 0.0313, 0.0024, 0.09994, 0.09996, 1].map(formatPercent)).toEqual([
    '13.1',
    '3.13',
    '0.24',
    '9.99',
    '10.0',
    '100',
  ]);
});

test.each([
  [0, 'about 5 s'],
  [42, 'about 45 s'],
  [56, 'about 1 min'],
  [830, 'about 14 min'],
  [5400, 'about 1.5 h'],
  [40 * 3600, 'about 2 days'],
])('%d seconds are %s beforehand', (seconds, text) => {
  expect(formatRoughDuration(seconds)).toBe(text);
});

test('time left keeps its width within an hour', () => {
  expect([0, 6.2, 187, 3599.1, 3723].map(formatCountdown)).toEqual([
    '0:00',
    '0:07',
    '3:07',
    '1:00:00',
    '1:02:03',
  ]);
});

test('dates say today where that is so', () => {
  const now = new Date(2026, 10, 3, 18).getTime();
  expect(formatDate(new Date(2026, 10, 3, 14, 3).getTime(), now)).toBe('today 14:03');
  expect(formatDate(new Date(2026, 9, 30).getTime(), now)).toBe('30 Oct 2026');
});

test('divergences have three digits, speeds and times as many as mean something', () => {
  expect([1.7703, 0.23312, 0.0012, 1e-9].map(formatDivergence)).toEqual(['1.77', '0.233', '0.00120', '0']);
  expect([0.0812, 0.5, 45.06, 99.96, 1234.5].map(formatRate)).toEqual([
    '0.081',
    '0.5',
    '45.1',
    '100',
    '1235',
  ]);
  expect([0.118, 9.999, 14.23].map(formatSeconds)).toEqual(['0.12 s', '10.0 s', '14.2 s']);
});
