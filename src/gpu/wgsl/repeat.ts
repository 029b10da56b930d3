import { assert } from '../../util/errors.ts';
import type { Constants } from './preamble.ts';

/**
 * Unrolls loops in WGSL text. Some compilers (SwiftShader's among them) keep small arrays in memory unless every
 * index is a literal, which made the matrix product five times slower; so the hot loops are written as
 *
 *     #repeat i 0 1 2 3
 *       sum$i += a$i * b;
 *     #end
 *
 * and become one copy of the body for each value, with `$i` replaced. Blocks nest. Instead of the values, `#repeat i ROWS`
 * may name one of `constants`: 0 … ROWS − 1.
 */
export function expandRepeats(source: string, constants: Constants = {}): string {
  const lines = source.split('\n').map((line) => withValues(line, constants));
  const [expanded, next] = expandBlock(lines, 0, false);
  assert(next === lines.length, `line ${next + 1}: #end without #repeat`);
  return expanded.join('\n');
}

function withValues(line: string, constants: Constants): string {
  const [word, name, count, ...others] = line.trim().split(/\s+/);
  const end = word === '#repeat' && count !== undefined && others.length === 0 ? constants[count] : undefined;
  return typeof end !== 'number' ? line : `#repeat ${name} ${[...Array(end).keys()].join(' ')}`;
}

function expandBlock(lines: readonly string[], start: number, inside: boolean): [string[], number] {
  const output: string[] = [];
  let at = start;
  while (at < lines.length) {
    const words = lines[at]!.trim().split(/\s+/);
    if (words[0] === '#end') {
      if (inside) return [output, at + 1];
      return [output, at];
    }
    if (words[0] === '#repeat') {
      const [, name, ...values] = words;
      const [body, next] = expandBlock(lines, at + 1, true);
      for (const value of values) output.push(...body.map((line) => line.replaceAll(`$${name}`, value)));
      at = next;
    } else {
      output.push(lines[at++]!);
    }
  }
  assert(!inside, `line ${start}: #repeat without #end`);
  return [output, at];
}
