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

const CONVERSIONS = Number(process.env['SOAK'] ?? 3);
/** When what hangs is given up: ten minutes and one for each conversion. */
const SOAK_MS = (10 + CONVERSIONS) * 60_000;
/** Of the first ones a worker may keep what all use. */
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

/** What a conversion makes much of, or what holds much, and is nothing without it. */
const KINDS = ['GPUDevice', 'GPUComputePipeline', 'Worker', 'AbortController'];

/** How many of each kind a worker holds once garbage is collected, by the worker's script. */
async function heldObjects(page: Page): Promise<Record<string, Record<string, number>>> {
  const held = page.workers().map(async (worker) => {
    const { client } = worker;
    const counts: Record<string, number> = {};
    for (const kind of KINDS) {
      const { result } = await client.send('Runtime.evaluate', { expression: `${kind}.prototype` });
      const { objects } = await client.send('Runtime.queryObjects', { prototypeObjectId: result.objectId! });
      const length = await client.send('Runtime.callFunctionOn', {
        ...{ objectId: objects.objectId!, functionDeclaration: 'function () { return this.length; }' },
        returnByValue: true,
      });
      counts[kind] = length.result.value as number;
      await client.send('Runtime.releaseObject', { objectId: objects.objectId! });
      await client.send('Runtime.releaseObject', { objectId: result.objectId! });
    }
    return [/([a-z-]+)-[^-]*\.js$/.exec(worker.url())![1]!, counts] as const;
  });
  return Object.fromEntries(await Promise.all(held));
}

/** Bytes that JavaScript holds in the page and its workers. */
async function heldBytes(page: Page): Promise<number[]> {
  const session = await page.createCDPSession();
  const bytes = [];
  for (const each of [session, ...page.workers().map(({ client }) => client)] as CDPSession[]) {
    await each.send('HeapProfiler.collectGarbage');
    const { usedSize, backingStorageSize } = await each.send('Runtime.getHeapUsage');
    bytes.push(usedSize + backingStorageSize);
  }
  await session.detach();
  return bytes;
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

test(
  'conversions in a row leave no files, no workers and no memory behind',
  async () => {
    const page = await openPage(browser);
    await page.goto(host.url);
    await waitForText(page, 'None yet');
    let early: unknown;
    for (let i = 1; i <= CONVERSIONS; i++) {
      await convertAndRemove(page);
      await eventually(async () => expect(await storedFolders(page, 'jobs')).toEqual([]));
      const held = await heldObjects(page);
      if (process.env['SOAK'])
        console.log(
          i,
          JSON.stringify(held),
          ...(await heldBytes(page)),
          `${residentBytes() / 1e6} MB resident`,
        );
      if (i === WARM_UP) early = held;
      if (i > WARM_UP) expect(held).toEqual(early);
    }
  },
  SOAK_MS,
);
