import { expect, test } from 'vitest';
import { expandRepeats } from '../../src/gpu/wgsl/repeat.ts';

const text = (...lines: string[]): string => lines.join('\n');

test('text without blocks stays as it is', () => {
  const source = text('fn main() {', '  let a = 1;', '', '}', '');
  expect(expandRepeats(source)).toBe(source);
});

test('a block becomes one copy for each value', () => {
  const source = text('before', '  #repeat i 0 1', '  sum$i += a$i;', '  next$i();', '  #end', 'after');
  const expected = text('before', '  sum0 += a0;', '  next0();', '  sum1 += a1;', '  next1();', 'after');
  expect(expandRepeats(source)).toBe(expected);
});

test('blocks nest, and follow each other', () => {
  const source = text(
    '#repeat i 0 1',
    '#repeat j x y',
    'v$i.$j',
    '#end',
    'w$i',
    '#end',
    '#repeat k 7',
    'z$k',
    '#end',
  );
  expect(expandRepeats(source)).toBe(text('v0.x', 'v0.y', 'w0', 'v1.x', 'v1.y', 'w1', 'z7'));
});

test('a count that is given stands for its values, also inside', () => {
  const source = text('#repeat i ROWS', '#repeat j COLUMNS', 'v$i_$j', '#end', '#end');
  const expected = text('v0_0', 'v0_1', 'v0_2', 'v1_0', 'v1_1', 'v1_2');
  expect(expandRepeats(source, { ROWS: 2, COLUMNS: 3 })).toBe(expected);
  expect(expandRepeats(text('#repeat i x y', 'v.$i', '#end'), { x: 2 })).toBe(text('v.x', 'v.y'));
});

test('a block without values disappears', () => {
  expect(expandRepeats(text('a', '#repeat i', 'x$i', '#end', 'b'))).toBe(text('a', 'b'));
});

test.each([
  ['#repeat without #end', text('a', '#repeat i 0 1', 'b')],
  ['#end without #repeat', text('a', '#end', 'b')],
  ['#end without #repeat', text('#repeat i 0', 'a', '#end', '#end')],
])('%s is refused', (message, source) => {
  expect(() => expandRepeats(source)).toThrow(message);
});
