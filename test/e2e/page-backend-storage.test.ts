import type { Browser, Page } from 'puppeteer';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchBrowser, openPage, type ServedPage, servePage } from '../support/browser.ts';

let site: ServedPage;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  site = await servePage('test/e2e/backend/index.html');
  browser = await launchBrowser();
  page = await openPage(browser);
  await page.goto(site.url);
  await page.waitForFunction('globalThis.backend');
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
});

/** Runs an expression in the page, where `place` is the folder under test. */
const run = <T>(code: string): Promise<T> => page.evaluate(code) as Promise<T>;
/** Everything in the folder as the browser has it, unfinished files too. */
const entries = () => run<string[]>('namesIn(place.path)');

const SETUP = `
  globalThis.namesIn = async (path) => {
    let folder = await navigator.storage.getDirectory();
    for (const name of path.split('/')) folder = await folder.getDirectoryHandle(name, { create: true });
    return (await Array.fromAsync(folder.keys())).sort();
  };`;

/** The same contract for both kinds; the folder of the user's is one in the storage, as no test can pick others. */
describe.each([
  ['the browser’s own storage', `({ path: 'tests/own' })`],
  [
    'a folder of the user’s',
    `navigator.storage.getDirectory().then((handle) => ({ handle, path: 'tests/user' }))`,
  ],
])('a directory in %s', (_, place) => {
  beforeEach(async () => {
    await run(SETUP);
    await run(`backend.storage.removeStorage('tests')`);
    await run(`(async () => void (globalThis.place = await ${place}))()`);
  });

  test('lists, reads, replaces and removes files, also in folders', async () => {
    await run(`backend.storage.write(place, 'b/c.txt', ['hello ', 'world'], 'close')`);
    await run(`backend.storage.write(place, 'a.txt', ['first version'], 'close')`);
    await run(`backend.storage.write(place, 'a.txt', ['second'], 'close')`);
    expect(await run('backend.storage.list(place)')).toEqual([
      { path: 'a.txt', size: 6 },
      { path: 'b/c.txt', size: 11 },
    ]);
    expect(await run(`backend.storage.read(place, 'b/c.txt', 3, 8)`)).toBe('lo wo');
    expect(await run(`backend.storage.read(place, 'a.txt')`)).toBe('second');
    await run(`backend.storage.remove(place, 'a.txt')`);
    await run(`backend.storage.remove(place, 'not/there.txt')`);
    expect(await run('backend.storage.list(place)')).toEqual([{ path: 'b/c.txt', size: 11 }]);
  });

  test('has no file for a name that is none, that is a folder, or below a file', async () => {
    await run(`backend.storage.write(place, 'b/c.txt', ['x'], 'close')`);
    for (const path of ['none.txt', 'b', 'b/c.txt/d', 'none/c.txt']) {
      expect(await run(`backend.storage.read(place, '${path}')`), path).toBeUndefined();
    }
  });

  test('keeps the old file when a new one is broken off, and leaves nothing of it', async () => {
    await run(`backend.storage.write(place, 'a.txt', ['whole'], 'close')`);
    await run(`backend.storage.write(place, 'a.txt', ['half'], 'abort')`);
    await run(`backend.storage.write(place, 'new.txt', ['half'], 'abort')`);
    await run(`backend.storage.write(place, 'new/folder/b.txt', ['half'], 'abort')`);
    expect(await run(`backend.storage.read(place, 'a.txt')`)).toBe('whole');
    expect(await entries()).toEqual(['a.txt']);
    await run(`backend.storage.write(place, 'old/b.txt', ['whole'], 'close')`);
    await run(`backend.storage.write(place, 'old/new/c.txt', ['half'], 'abort')`);
    expect(await entries()).toEqual(['a.txt', 'old']);
    expect(await run('backend.storage.list(place)')).toContainEqual({ path: 'old/b.txt', size: 5 });
  });

  test('says that the file ends, and that paths lead out of the folder', async () => {
    await run(`backend.storage.write(place, 'a.txt', ['abc'], 'close')`);
    await expect(run(`backend.storage.read(place, 'a.txt', 1, 9)`)).rejects.toThrow(
      /ends at byte 3; expected 9/,
    );
    await expect(run(`backend.storage.read(place, '../secret')`)).rejects.toThrow(/not a path inside/);
    await expect(run(`backend.storage.write(place, 'x/../../y', ['x'], 'close')`)).rejects.toThrow(
      /InputError/,
    );
  });

  test('says that a folder which is missing has nothing to list', async () => {
    await expect(run('backend.storage.list(place)')).rejects.toThrow(/moved, renamed or deleted/);
  });
});

test('a file that changes while it is read is not read half and half', async () => {
  await run(
    `(async () => void (globalThis.place = { handle: await backend.folder('changing'), path: '' }))()`,
  );
  await run(`backend.storage.write(place, 'a.txt', ['before'], 'close')`);
  await expect(run(`backend.storage.readStale(place, 'a.txt')`)).rejects.toThrow(
    /was changed .* while it was in use/,
  );
});

test('a file of the storage is not shown before it is whole, and two writers do not mix', async () => {
  await run(`(async () => void (globalThis.place = { path: 'tests/own' }))()`);
  await run(`backend.storage.removeStorage('tests')`);
  await run(`backend.storage.write(place, 'a.txt', ['half'], 'leave')`);
  expect(await run(`backend.storage.read(place, 'a.txt')`)).toBeUndefined();
  expect(await run('backend.storage.list(place)')).toEqual([]);
  await expect(run(`backend.storage.write(place, 'a.txt', ['other'], 'close')`)).rejects.toThrow(
    /another tab or program is writing it/,
  );
});
