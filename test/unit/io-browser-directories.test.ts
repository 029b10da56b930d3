import { afterEach, describe, expect, test, vi } from 'vitest';
import { fileListDirectory } from '../../src/io/platform/file-list-directory.ts';
import { handleError, isMissing, isOutOfSpace } from '../../src/io/platform/handle-errors.ts';
import { urlDirectory } from '../../src/io/platform/url-directory.ts';
import { InputError } from '../../src/util/errors.ts';

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
const listed = (path: string, contents: string) => ({ path, file: new File([contents], path) });

describe('a chosen list of files', () => {
  const directory = fileListDirectory('tiny', [listed('z.txt', 'last'), listed('sub/a.txt', 'hello world')]);

  test('is a directory', async () => {
    expect(await directory.list()).toEqual([
      { path: 'sub/a.txt', size: 11 },
      { path: 'z.txt', size: 4 },
    ]);
    const source = await directory.open('sub/a.txt');
    expect([source?.name, source?.size]).toEqual(['tiny/sub/a.txt', 11]);
    expect(text(await source?.read(6, 11))).toBe('world');
    expect(await directory.open('sub')).toBeUndefined();
  });

  test('lists nothing that a system has left there', async () => {
    const names = ['a', '._a', 'sub/._b', 'sub/.DS_Store', 'sub/b'];
    const folder = fileListDirectory(
      'tiny',
      names.map((name) => listed(name, '')),
    );
    expect((await folder.list()).map(({ path }) => path)).toEqual(['a', 'sub/b']);
  });

  test('has no bytes behind its end, nothing outside, and nothing twice', async () => {
    const source = (await directory.open('z.txt'))!;
    await expect(source.read(2, 5)).rejects.toThrow('tiny/z.txt ends at byte 4; expected 5');
    await expect(directory.open('../z.txt')).rejects.toThrow(InputError);
    expect(() => fileListDirectory('x', [listed('/etc/passwd', '')])).toThrow(InputError);
    expect(() => fileListDirectory('x', [listed('a', '1'), listed('a', '2')])).toThrow(/x has a twice/);
  });
});

describe('files of a web server', () => {
  afterEach(() => void vi.unstubAllGlobals());
  const files = [
    { path: 'b c.txt', size: 5 },
    { path: 'a.txt', size: 3 },
  ];

  test('are fetched when they are read, once', async () => {
    const fetched = vi.fn(async (_: string) => new Response('hello'));
    vi.stubGlobal('fetch', fetched);
    const directory = urlDirectory('demo', 'https://host/models/demo/', files);
    expect((await directory.list()).map(({ path }) => path)).toEqual(['a.txt', 'b c.txt']);
    const source = (await directory.open('b c.txt'))!;
    expect(fetched).not.toHaveBeenCalled();
    expect(text(await source.read(1, 3))).toBe('el');
    expect(text(await (await directory.open('b c.txt'))!.read(0, 5))).toBe('hello');
    expect(fetched.mock.calls).toEqual([['https://host/models/demo/b%20c.txt']]);
    expect(await directory.open('none')).toBeUndefined();
  });

  test('say which one cannot be had, and are tried again', async () => {
    const answers = [new Response('', { status: 404, statusText: 'Not Found' }), new Response('abc')];
    vi.stubGlobal('fetch', async () => answers.shift());
    const source = (await urlDirectory('demo', 'https://host/', files).open('a.txt'))!;
    await expect(source.read(0, 3)).rejects.toThrow(
      /demo\/a\.txt from https:\/\/host\/a\.txt: .* 404 Not Found/,
    );
    expect(text(await source.read(0, 3))).toBe('abc');
  });
});

describe('errors of the browser’s file system', () => {
  test.each([
    ['NotAllowedError', /give the permission again/],
    ['NotFoundError', /moved, renamed or deleted/],
    ['NotReadableError', /was changed or taken away/],
    ['QuotaExceededError', /no space is left/],
    ['NoModificationAllowedError', /another tab or program/],
  ])('%s says what to do', (name, advice) => {
    const error = handleError(new DOMException('Something.', name), 'write', 'out/model.safetensors');
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(/^Cannot write out\/model\.safetensors: /);
    expect(error.message).toMatch(advice);
  });

  test('others keep their own words, and an InputError stays as it is', () => {
    expect(handleError(new DOMException('Odd.', 'OddError'), 'read', 'a').message).toContain('Odd.');
    const known = new InputError('x ends');
    expect(handleError(known, 'read', 'a')).toBe(known);
  });

  test('missing files and full disks are told from other errors', () => {
    expect(isMissing(new DOMException('', 'NotFoundError'))).toBe(true);
    expect(isMissing(new DOMException('', 'NotAllowedError'))).toBe(false);
    const full = new DOMException('', 'QuotaExceededError');
    expect(isOutOfSpace(handleError(full, 'write', 'a'))).toBe(true);
    expect(isOutOfSpace(handleError(new DOMException('', 'NotFoundError'), 'write', 'a'))).toBe(false);
    expect(isOutOfSpace(undefined)).toBe(false);
  });
});
