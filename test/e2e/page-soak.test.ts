/**
 * Conversions in a row in one page leave nothing behind. With SOAK=<number> there are so many, and the memory of the
 * browser's processes after each is printed.
 */

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import type { Browser, CDPSession, Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildWithTinyDemo, launchBrowser, openPage } from '../support/browser.ts';
import { clickText, waitForText } from '../support/page/screens.ts';
import { storedFolders } from '../support/page/served.ts';
import { eventually } from '../support/patience.ts';
import { hostFolder, type StaticHost } from '../support/static-host.ts';

const CONVERSIONS = Number(process.env['SOAK'] ?? 4);
/** The first ones compile what all need. */
const WARM_UP = 2;

let built: string;
let host: StaticHost;
let browser: Browser;

beforeAll(async () => {
  built = await buildWithTinyDemo();
  [host, browser] = await Promise.all([hostFolder(built), launchBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await host.close();
  rmSync(built, { recursive: true });
});

async function convertAndRemove(page: Page): Promise<void> {
  await clickText(page, 'Try it with the small model');
  await waitForText(page, 'of disk');
  await clickText(page, 'Convert');
  await waitForText(page, 'They are in this browser’s storage');
  await clickText(page, 'exl2-web');
  await clickText(page, 'Remove');
  await clickText(page, 'Remove for good');
  await waitForText(page, 'None yet');
}

/** Bytes that JavaScript holds, in the page and in each of its workers. */
async function heldBytes(page: Page): Promise<{ page: number; workers: number[] }> {
  const held = async (session: CDPSession) => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize, backingStorageSize } = await session.send('Runtime.getHeapUsage');
    return usedSize + backingStorageSize;
  };
  const session = await page.createCDPSession();
  const own = await held(session);
  await session.detach();
  const workers = await Promise.all(page.workers().map(({ client }) => held(client)));
  return { page: own, workers: workers.sort((a, b) => a - b) };
}

/** Resident bytes of the browser's processes. */
function residentBytes(): number {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss='], { encoding: 'utf8' }).trim().split('\n');
  const all = lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number, number]);
  const tree = new Set([browser.process()!.pid!]);
  for (let size = 0; size !== tree.size; ) {
    size = tree.size;
    for (const [pid, parent] of all) if (tree.has(parent)) tree.add(pid);
  }
  return 1024 * all.reduce((sum, [pid, , kib]) => sum + (tree.has(pid) ? kib : 0), 0);
}

test('conversions in a row leave no files, no workers and no memory behind', async () => {
  const page = await openPage(browser);
  await page.goto(host.url);
  await waitForText(page, 'None yet');
  const after = [];
  for (let i = 1; i <= CONVERSIONS; i++) {
    await convertAndRemove(page);
    await eventually(async () => expect(await storedFolders(page, 'jobs')).toEqual([]));
    const held = await heldBytes(page);
    after.push(held);
    if (process.env['SOAK'])
      console.log(i, JSON.stringify(held), `${Math.round(residentBytes() / 1e6)} MB resident`);
  }
  const [first, last] = [after[WARM_UP - 1]!, after.at(-1)!];
  expect(last.workers.length).toBe(first.workers.length);
  const total = (held: typeof first) => held.workers.reduce((sum, bytes) => sum + bytes, held.page);
  const growth = (total(last) - total(first)) / (CONVERSIONS - WARM_UP);
  expect(growth).toBeLessThan(20e3);
});
