import { expect, test } from 'vitest';
import { findParting, type Parting } from '../../src/app/state/parting.ts';
import { type TextView, WAITING, whenOver, withTextEvents } from '../../src/app/state/text-view.ts';
import type { TextEvent } from '../../workers/api/texts.ts';

/** A letter, which got half of the probability; 'x' and 'y' got the rest of what is told. */
const token = (text: string): TextEvent => ({
  type: 'token',
  id: text.charCodeAt(0),
  text,
  likely: [text, 'x', 'y'].map((each, i) => ({
    id: each.charCodeAt(0),
    text: each,
    probability: 0.5 / 2 ** i,
  })),
});

/** A text of one-letter tokens, as long as was asked unless it says otherwise. */
const written = (letters: string, end: TextView['end'] | 'stopped' = 'length'): TextView => {
  const view = withTextEvents(WAITING, [...letters].map(token));
  return end === 'stopped' ? whenOver(view) : withTextEvents(view, [{ type: 'ended', end: end! }]);
};

/** The texts with brackets around the first token that differs. */
const shown = ({ original, quantized }: Parting): string[] =>
  [original, quantized].map(({ shared, own, rest }) => `${shared}${own ? `[${own.text}]` : ''}${rest}`);

const compared = (a: TextView, b: TextView) => {
  const parting = findParting(a, b);
  return { texts: shown(parting), same: parting.same, equal: parting.equal };
};

test('equal texts have no marks', () => {
  expect(compared(written('abcd'), written('abcd'))).toEqual({
    texts: ['abcd', 'abcd'],
    same: 4,
    equal: true,
  });
});

test('only the first token that differs is marked: behind it each tells its own story', () => {
  expect(compared(written('abcdefgh'), written('abXcdYfg'))).toEqual({
    texts: ['ab[c]defgh', 'ab[X]cdYfg'],
    same: 2,
    equal: false,
  });
  expect(compared(written('abc'), written('xyz'))).toEqual({
    texts: ['[a]bc', '[x]yz'],
    same: 0,
    equal: false,
  });
});

test('a token that is the beginning of a character is marked with the rest of it', () => {
  const bytes = [1, 2].map(
    (id, i): TextEvent => ({ type: 'token', id, text: i === 0 ? '' : 'é', likely: [] }),
  );
  const accented = withTextEvents(written('a'), [...bytes, token('b'), { type: 'ended', end: 'length' }]);
  expect(compared(accented, written('axyz'))).toEqual({
    texts: ['a[é]b', 'a[x]yz'],
    same: 1,
    equal: false,
  });
});

test('what a stopped text did not reach is no difference', () => {
  expect(compared(written('abcdefgh'), written('abX', 'stopped')).texts).toEqual(['ab[c]defgh', 'ab[X]']);
  expect(compared(written('abcdefgh'), written('abc', 'stopped'))).toEqual({
    texts: ['abcdefgh', 'abc'],
    same: 3,
    equal: true,
  });
});

test('what a model did not write because it ended the text is one', () => {
  expect(compared(written('abcdefgh'), written('abc', 'model'))).toEqual({
    texts: ['abc[d]efgh', 'abc'],
    same: 3,
    equal: false,
  });
  expect(compared(written('ab', 'model'), written('abcd')).texts).toEqual(['ab', 'ab[c]d']);
  expect(compared(written('ab'), written('', 'model')).texts).toEqual(['[a]b', '']);
});

test('at the parting both models tell what they gave either token, and the likeliest others', () => {
  const { odds } = findParting(written('abc'), written('abx'));
  expect(odds.map(({ text }) => text)).toEqual(['c', 'x', 'y']);
  const [c, x, y] = odds;
  expect([c!.original, x!.original, y!.original]).toEqual(
    [0.5, 0.25, 0.125].map((probability) => ({ probability, atMost: false })),
  );
  // The other model was not asked for it: it is less likely than all that were told.
  expect(c!.quantized).toEqual({ probability: 0.125, atMost: true });
  expect(x!.quantized).toEqual({ probability: 0.5, atMost: false });
  expect(findParting(written('ab', 'model'), written('abcd')).odds).toEqual([]);
  expect(findParting(written('ab'), written('ab')).odds).toEqual([]);
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

test('where the weights are, and how far a run has come, is shown with the text', () => {
  let view = withTextEvents(WAITING, [
    { type: 'placed', residence: 'streamed' },
    { type: 'loading', done: 1, total: 1 },
    { type: 'run', done: 3, total: 12 },
  ]);
  expect(view).toMatchObject({ state: 'reading', residence: 'streamed', run: 0.25 });
  view = withTextEvents(view, [token('a'), { type: 'run', done: 6, total: 12 }]);
  expect(view).toMatchObject({ state: 'writing', residence: 'streamed', run: 0.5 });
});
