import { expect, test } from 'vitest';
import { InputError } from '../../src/util/errors.ts';
import { formatByteSize, parseByteSize } from '../../src/util/text/byte-size.ts';
import { formatDuration } from '../../src/util/text/duration.ts';

test.each([
  ['6GB', 6e9],
  ['512MiB', 512 * 2 ** 20],
  ['1.5 gib', 1.5 * 2 ** 30],
  ['1048576', 1048576],
  ['0.3 B', 0],
  [' 2 TB ', 2e12],
])('%s is a size', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes);
});

test.each(['', 'GB', '-1GB', '1e9', '6 G B', '6GBit', '0x10', 'NaN', 'toString'])(
  '"%s" is no size',
  (text) => {
    expect(() => parseByteSize(text)).toThrow(InputError);
  },
);

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '0.977 KiB'],
  [1536, '1.50 KiB'],
  [13_644_256, '13.0 MiB'],
  [6 * 2 ** 30, '6.00 GiB'],
  [999 * 1024, '999 KiB'],
  [5000 * 2 ** 40, '5000 TiB'],
])('%d bytes', (bytes, text) => {
  expect(formatByteSize(bytes)).toBe(text);
});

test.each([
  [0.123, '0.12 s'],
  [3.21, '3.2 s'],
  [59.94, '59.9 s'],
  [59.96, '1:00'],
  [187, '3:07'],
  [3599.7, '1:00:00'],
  [3723, '1:02:03'],
])('%d seconds', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});
