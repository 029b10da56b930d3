import { diffArrays } from 'diff/lib/diff/array.js';
import { expect, test, vi } from 'vitest';
import { type Differences, findDifferences } from '../../src/app/state/differences.ts';
import { type TextView, WAITING, whenOver, withTextEvents } from '../../src/app/state/text-view.ts';
import type { TextEvent } from '../../workers/api/texts.ts';

vi.mock('diff/lib/diff/array.js', { spy: true });

const token = (text: string): TextEvent => ({ type: 'token', id: text.charCodeAt(0), text });

/** A text of one-letter tokens, as long as was asked unless it says otherwise. */
const written = (letters: string, end: TextView['end'] | 'stopped' = 'length'): TextView => {
  const view = withTextEvents(WAITING, [...letters].map(token));
  return end === 'stopped' ? whenOver(view) : withTextEvents(view, [{ type: 'ended', end: end! }]);
};

/** The texts with brackets around what differs. */
const shown = ({ original, quantized }: Differences): string[] =>
  [original, quantized].map((runs) =>
    runs.map(({ text, differs }) => (differs ? `[${text}]` : text)).join(''),
  );

const compared = (a: TextView, b: TextView) => {
  const differences = findDifferences(a, b);
  return { texts: shown(differences), same: differences.same, equal: differences.equal };
};

test('equal texts have no marks', () => {
  expect(compared(written('abcd'), written('abcd'))).toEqual({
    texts: ['abcd', 'abcd'],
    same: 4,
    equal: true,
  });
});

test('a token more does not mark all that follows, nor what it pushes out at the end', () => {
  const { texts, same, equal } = compared(written('abcdefgh'), written('abXcdefg'));
  expect(texts).toEqual(['abcdefgh', 'ab[X]cdefg']);
  expect([same, equal]).toEqual([2, false]);
});

test('tokens that stand for each other are marked in both', () => {
  expect(compared(written('abcdef'), written('aXcdYf'))).toEqual({
    texts: ['a[b]cd[e]f', 'a[X]cd[Y]f'],
    same: 1,
    equal: false,
  });
});

test('texts that part at once have nothing in common', () => {
  expect(compared(written('abc'), written('xyz'))).toMatchObject({ texts: ['[abc]', '[xyz]'], same: 0 });
});

test('what a stopped text did not reach is no difference', () => {
  expect(compared(written('abcdefgh'), written('abX', 'stopped')).texts).toEqual(['ab[c]defgh', 'ab[X]']);
  expect(compared(written('abcdefgh'), written('abc', 'stopped'))).toMatchObject({ same: 3, equal: true });
});

test('what a model did not write because it ended the text is one', () => {
  expect(compared(written('abcdefgh'), written('abc', 'model'))).toEqual({
    texts: ['abc[defgh]', 'abc'],
    same: 3,
    equal: false,
  });
  expect(compared(written('ab', 'model'), written('abcd')).texts).toEqual(['ab', 'ab[cd]']);
  expect(compared(written('ab'), written('', 'model')).texts).toEqual(['[ab]', '']);
});

test('long texts with little in common just part, in little time', () => {
  const ids = (from: number) =>
    Array.from(
      { length: 4000 },
      (_, i): TextEvent => ({ type: 'token', id: i < 5 ? i : from + i, text: '.' }),
    );
  const [a, b] = [10_000, 20_000].map((from) =>
    withTextEvents(WAITING, [...ids(from), { type: 'ended', end: 'length' }]),
  );
  const { original, quantized, same } = findDifferences(a!, b!);
  expect(diffArrays).toHaveReturnedWith(undefined); // it was given up at the bound
  expect(same).toBe(5);
  expect([original, quantized].map((runs) => runs.map(({ text }) => text.length))).toEqual([
    [5, 3995],
    [5, 3995],
  ]);
});

test('a view goes from loading to the end; loading again forgets the first attempt', () => {
  let view = withTextEvents(WAITING, [{ type: 'loading', done: 3, total: 12 }]);
  expect(view).toMatchObject({ state: 'loading', loaded: 0.25 });
  view = withTextEvents(view, [{ type: 'loading', done: 1, total: 1 }]);
  expect(view.state).toBe('reading');
  const speed = { type: 'speed', promptSeconds: 0.5, tokensPerSecond: 0 } as const;
  view = withTextEvents(view, [token('a'), speed]);
  expect(view).toMatchObject({ state: 'writing', promptSeconds: 0.5 });
  expect(view.tokensPerSecond).toBeUndefined();
  view = withTextEvents(view, [token('b'), { ...speed, tokensPerSecond: 20 }]);
  expect(view.tokensPerSecond).toBe(20);
  expect(whenOver(view).state).toBe('stopped');
  expect(withTextEvents(view, [{ type: 'loading', done: 0, total: 12 }]).tokens).toEqual([]);
  view = withTextEvents(view, [{ type: 'ended', end: 'model' }]);
  expect(whenOver(view)).toMatchObject({ state: 'ended', end: 'model' });
});

test('a failure says whether the model had been opened', () => {
  const failed = { type: 'failed', name: 'InputError', message: 'gone' } as const;
  expect(withTextEvents(WAITING, [failed]).failure).toEqual({
    name: 'InputError',
    message: 'gone',
    opening: true,
  });
  const loaded = withTextEvents(WAITING, [{ type: 'loading', done: 1, total: 1 }, failed]);
  expect(loaded).toMatchObject({ state: 'failed', failure: { opening: false } });
  expect(whenOver(loaded).state).toBe('failed');
});
