import { afterEach, expect, test, vi } from 'vitest';
import { rangedDirectory } from '../../src/io/platform/url-directory.ts';

const BYTES = Uint8Array.from({ length: 100 }, (_, i) => i);
const directory = rangedDirectory('demo', 'https://host/demo/', [{ path: 'a b.bin', size: 100 }]);

afterEach(() => vi.unstubAllGlobals());

/** A server that knows ranges, or sends the whole file; gives what was asked of it. */
function serve(ranges: boolean, bytes = BYTES): string[] {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (url: string, { headers }: { headers: { Range: string } }) => {
    const [, start, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.Range)!;
    asked.push(`${url} ${headers.Range}`);
    const part = ranges ? bytes.slice(Number(start), Number(last) + 1) : bytes;
    return new Response(part, { status: ranges ? 206 : 200 });
  });
  return asked;
}

test('fetches the bytes that are read', async () => {
  const asked = serve(true);
  const source = (await directory.open('a b.bin'))!;
  expect([...(await source.read(10, 13))]).toEqual([10, 11, 12]);
  expect([...(await source.read(5, 5))]).toEqual([]);
  expect(asked).toEqual(['https://host/demo/a%20b.bin bytes=10-12']);
});

test('takes the whole file, once, from a server without ranges', async () => {
  const asked = serve(false);
  const source = (await directory.open('a b.bin'))!;
  expect([...(await source.read(10, 13))]).toEqual([10, 11, 12]);
  expect([...(await source.read(98, 100))]).toEqual([98, 99]);
  expect(asked).toHaveLength(1);
});

test('says which file is not there, or not whole', async () => {
  serve(false, BYTES.slice(0, 50));
  const source = (await directory.open('a b.bin'))!;
  await expect(source.read(0, 4)).rejects.toThrow('Cannot fetch demo/a b.bin');
  await expect(source.read(98, 101)).rejects.toThrow('ends at 100');
  expect(await directory.open('other')).toBeUndefined();
});
