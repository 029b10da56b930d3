/** Visits without a network, newer versions, and servers and settings that allow less. */

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { tellServiceWorker } from '../../scripts/site/offline.ts';
import { buildWithTinyDemo, launchBrowser, openStrictPage } from '../support/browser.ts';
import { clickText, waitForText } from '../support/page/screens.ts';
import { storedFolders } from '../support/page/served.ts';
import { eventually } from '../support/patience.ts';
import { hostFolder, type StaticHost } from '../support/static-host.ts';

const AT = '/some/where/';

let built: string;
let browser: Browser;
let host: StaticHost;

beforeAll(async () => {
  built = await buildWithTinyDemo();
});
afterAll(() => rmSync(built, { recursive: true }));

beforeEach(async () => {
  browser = await launchBrowser();
});
afterEach(async () => {
  await browser.close();
  await host.close();
});

/** Opens the page as a first visit does, and waits until it is kept. */
async function visit(folder = built): Promise<Page> {
  host = await hostFolder(folder, AT);
  const page = await openStrictPage(browser);
  await page.goto(host.url);
  await waitForText(page, 'None yet');
  await page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        if (navigator.serviceWorker.controller) resolve();
        navigator.serviceWorker.addEventListener('controllerchange', () => resolve());
      }),
  );
  return page;
}

/** Paths below the page's of all that the browser keeps, by what it is kept as: `page`, `models`. */
const kept = (page: Page): Promise<Record<string, string[]>> =>
  page.evaluate(async () => {
    const all: Record<string, string[]> = {};
    for (const name of await caches.keys()) {
      const requests = await (await caches.open(name)).keys();
      all[name.split(' ')[1] ?? name] = requests
        .map(({ url }) => url.slice(new URL('.', location.href).href.length))
        .sort();
    }
    return all;
  });

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(built.length + 1));

test('after a visit with the demo model, the page works and converts it without the server; only its own files are kept', async () => {
  const page = await visit();
  const own = filesBelow(built).filter((path) => !/^models|^service-worker|^share-card/.test(path));
  const files = own.map((path) => (path === 'index.html' ? '' : path)).sort();
  expect(await kept(page)).toEqual({ page: files });

  await clickText(page, 'Try it with the small model');
  await waitForText(page, 'of disk');
  const models = filesBelow(join(built, 'models')).sort();
  expect(await kept(page)).toEqual({ page: files, models });

  await host.close();
  await page.goto(`${host.url}`);
  await waitForText(page, 'None yet');
  await clickText(page, 'Try it with the small model');
  await waitForText(page, 'of disk');
  await clickText(page, 'Convert');
  await waitForText(page, 'They are in this browser’s storage');
  expect(await storedFolders(page, 'jobs')).toHaveLength(1);
  expect(await kept(page)).toEqual({ page: files, models });
});

test('without the server a model that was never asked for is not there, and the page says so', async () => {
  const page = await visit();
  await host.close();
  await page.reload();
  await waitForText(page, 'None yet');
  await clickText(page, 'Try it with the small model');
  await waitForText(page, 'Check the connection');
});

/** The page as another build makes it: its script has another name, and what it was called is gone. */
function newerVersion(): string {
  const folder = mkdtempSync(join(tmpdir(), 'exl2-newer-'));
  cpSync(built, folder, { recursive: true });
  const script = readdirSync(join(folder, 'assets')).find((name) => /^index-.*\.js$/.test(name))!;
  renameSync(join(folder, 'assets', script), join(folder, 'assets/index-newer.js'));
  const html = readFileSync(join(folder, 'index.html'), 'utf8');
  writeFileSync(join(folder, 'index.html'), html.replace(script, 'index-newer.js'));
  tellServiceWorker(folder);
  return folder;
}

const scriptOf = (page: Page): Promise<string> =>
  page.evaluate(() => document.querySelector('script')?.src.split('/').at(-1) ?? '');

test('a newer version waits for the tabs of the older one, which keep their scripts; a new visit has it at once', async () => {
  const page = await visit();
  const old = await scriptOf(page);
  const newer = newerVersion();
  try {
    host.folder = newer;
    const waiting = await page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      await registration.update();
      const worker = registration.installing ?? registration.waiting;
      await new Promise<void>((resolve) => {
        if (worker?.state === 'installed') resolve();
        worker?.addEventListener('statechange', () => resolve());
      });
      return worker?.state;
    });
    expect(waiting).toBe('installed');
    const statusOf = (name: string) =>
      page.evaluate(async (path) => (await fetch(path)).status, `assets/${name}`);
    expect(await statusOf(old)).toBe(200);

    const other = await openStrictPage(browser);
    await other.goto(host.url);
    await waitForText(other, 'None yet');
    expect(await scriptOf(other)).toBe('index-newer.js');
    await page.close();
    await other.close();

    // Once no tab is left the newer one takes over, and what the older one had is removed.
    const next = await openStrictPage(browser);
    await next.goto(host.url);
    await waitForText(next, 'None yet');
    await eventually(async () => {
      expect((await kept(next))['page']).toContain('assets/index-newer.js');
      expect((await next.evaluate(() => caches.keys())).length).toBe(1);
    });
    await host.close();
    await next.reload();
    await waitForText(next, 'None yet');
    expect(await scriptOf(next)).toBe('index-newer.js');
  } finally {
    rmSync(newer, { recursive: true });
  }
});

test('a server that forbids WebAssembly is named before anything starts, and the GPU is not', async () => {
  host = await hostFolder(built, AT, { 'content-security-policy': "script-src 'self'" });
  const page = await openStrictPage(browser);
  await page.goto(host.url);
  await clickText(page, 'Try it with the small model');
  await waitForText(page, 'WebAssembly is not allowed here');
  expect(await page.evaluate(() => document.body.textContent)).not.toContain('no access to a GPU');
});

test('a browser whose settings forbid site data is told of, at the start and in the plan', async () => {
  const profile = mkdtempSync(join(tmpdir(), 'exl2-profile-'));
  mkdirSync(join(profile, 'Default'));
  const settings = { profile: { default_content_setting_values: { cookies: 2 } } };
  writeFileSync(join(profile, 'Default/Preferences'), JSON.stringify(settings));
  host = await hostFolder(built, AT);
  const strict = await launchBrowser({ profile });
  try {
    const page = await openStrictPage(strict);
    await page.goto(host.url);
    await waitForText(page, 'lets this page keep nothing');
    await clickText(page, 'Try it with the small model');
    await waitForText(page, 'In the way');
    expect(await page.evaluate(() => document.body.textContent)).toContain('lets this page keep nothing');
  } finally {
    await strict.close();
    rmSync(profile, { recursive: true });
  }
});
