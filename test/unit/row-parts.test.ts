import { expect, test } from 'vitest';
import { type RowRange, rowParts, shareParts } from '../../src/pass/sums/row-parts.ts';

const sizes = (parts: readonly RowRange[]) => parts.map(({ start, end }) => end - start);
const shares = (speeds: readonly number[], rows = 100) =>
  shareParts(rowParts(rows), speeds).map((parts) => parts.length);

test('four parts of about the same size hold every row once, in order', () => {
  for (const rows of [4, 5, 6, 7, 19, 115]) {
    const parts = rowParts(rows);
    expect(parts, `${rows} rows`).toHaveLength(4);
    expect(parts.map(({ start }) => start)).toEqual([0, ...parts.slice(0, -1).map(({ end }) => end)]);
    expect(parts.at(-1)!.end).toBe(rows);
    expect(parts.map(({ half }) => half)).toEqual([0, 0, 1, 1]);
    expect(Math.max(...sizes(parts)) - Math.min(...sizes(parts))).toBeLessThanOrEqual(1);
  }
});

test('of fewer rows each is a part', () => {
  expect(sizes(rowParts(3))).toEqual([1, 1, 1]);
  expect(sizes(rowParts(1))).toEqual([1]);
});

test('workers of the same speed share the parts as evenly as four allow', () => {
  const equal = (workers: number) => shares(Array.from({ length: workers }, () => 1));
  expect(equal(1)).toEqual([4]);
  expect(equal(2)).toEqual([2, 2]);
  expect(equal(3).toSorted()).toEqual([1, 1, 2]);
  expect(equal(4)).toEqual([1, 1, 1, 1]);
  // The first one always has some: the head's and the modules' errors are taken on its rows.
  for (const workers of [5, 6]) {
    const counts = equal(workers);
    expect(counts[0], `${workers} workers`).toBe(1);
    expect(counts.toSorted()).toEqual([...new Array(workers - 4).fill(0), 1, 1, 1, 1]);
  }
});

test('whoever is faster has more, and who is far too slow has none', () => {
  expect(shares([3, 1])).toEqual([3, 1]);
  expect(shares([1, 3])).toEqual([1, 3]);
  expect(shares([1, 100])).toEqual([1, 3]);
  expect(shares([100, 1])).toEqual([4, 0]);
  expect(shares([1, 1, 2])).toEqual([1, 1, 2]);
});

test('with fewer parts than workers no part is lost or given twice', () => {
  for (const rows of [1, 2, 3, 4]) {
    for (let workers = 1; workers <= 6; workers++) {
      const given = shareParts(rowParts(rows), new Array<number>(workers).fill(1));
      expect(given).toHaveLength(workers);
      expect(given.flat(), `${rows} rows, ${workers} workers`).toEqual(rowParts(rows));
      expect(given[0]!.length).toBeGreaterThan(0);
    }
  }
});
