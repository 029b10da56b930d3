/**
 * The same way through the page in each browser: a model's files and text in Parquet go in, downloads come out. Served
 * as hosts of static files do, below some path, with a policy that reports what is against it; then not at all.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ElementHandle, Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { POLICY_HEADERS } from '../../scripts/site/policy.ts';
import { buildPage, launchBrowser, launchFirefox, openStrictPage } from '../support/browser.ts';
import { clickText, waitForText } from '../support/page/screens.ts';
import { digests, storedFiles, storedFolders } from '../support/page/served.ts';
import { eventually } from '../support/patience.ts';
import { hostFolder } from '../support/static-host.ts';
import { onDisk, tinyModel } from '../support/tiny-model.ts';

const BROWSERS = { Chromium: launchBrowser, Firefox: launchFirefox };
const PARQUET = 'test/fixtures/calibration/cal_small.parquet';
const POLICY = `${POLICY_HEADERS['content-security-policy']}; report-uri /reports`;

const model = onDisk(tinyModel(), 'tiny-llama');
/** What each browser has made: digests by name. */
const made: Record<string, Record<string, string>> = {};
let built: string;

beforeAll(async () => {
  built = await buildPage('index.html');
});
afterAll(() => {
  for (const folder of [built, dirname(model)]) rmSync(folder, { recursive: true });
});

test.each(Object.entries(BROWSERS))(
  '%s: converts, downloads, breaks no rule of the policy, and opens without the server',
  async (name, launch) => {
    const downloads = mkdtempSync(join(tmpdir(), 'exl2-downloads-'));
    const host = await hostFolder(built, '/some/where/', { 'content-security-policy': POLICY });
    const browser = await launch({ downloads });
    try {
      const page = await openStrictPage(browser);
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(String(error)));
      await page.goto(host.url);
      await convert(page);
      const [job] = await storedFolders(page, 'jobs');
      made[name] = digests(await storedFiles(page, `jobs/${job}/output/4`));
      await clickText(page, 'Download all');
      await eventually(() => expect(digests(filesIn(downloads))).toEqual(made[name]));
      expect(await violations(page, host.posted)).toEqual([]);

      await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
      await host.close();
      await page.reload();
      await waitForText(page, 'They are in this browser’s storage');
      expect(errors.filter((error) => !ownReport(error))).toEqual([]);
    } finally {
      await browser.close();
      await host.close();
      rmSync(downloads, { recursive: true });
    }
  },
);

test('both browsers make the same files', () => {
  expect(Object.keys(made)).toEqual(Object.keys(BROWSERS));
  expect(made['Firefox']).toEqual(made['Chromium']);
});

/** In the way of browsers that have no picker for folders; the dialog for files, which nobody would answer, does not open. */
async function convert(page: Page): Promise<void> {
  await page.evaluate(() => {
    Object.assign(window, { showDirectoryPicker: undefined });
    HTMLInputElement.prototype.click = () => {};
  });
  await clickText(page, 'Choose a model folder');
  const input = await inputFor(page, 'input[webkitdirectory]');
  // Browsers differ in how a test gives them a folder; phones, which have none to choose, take all files at once.
  await input.evaluate((element) => element.removeAttribute('webkitdirectory'));
  await input.uploadFile(...readdirSync(model).map((file) => join(model, file)));
  await waitForText(page, 'of disk');
  await clickText(page, 'More options');
  await page.select('select:has(option[value=quick])', 'quick');
  await (await inputFor(page, '#calibration-file')).uploadFile(PARQUET);
  await clickText(page, 'Convert');
  await waitForText(page, 'They are in this browser’s storage');
}

const inputFor = async (page: Page, selector: string): Promise<ElementHandle<HTMLInputElement>> =>
  (await page.waitForSelector(selector)) as ElementHandle<HTMLInputElement>;

const filesIn = (folder: string): Map<string, Buffer> =>
  new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));

/** What of a report, or of the error that Firefox makes of it, tells that the test itself broke the policy. */
const ownReport = (text: string): string | undefined => /elsewhere\.invalid\/\d/.exec(text)?.[0];

/** What page and workers were refused, of which the host was told. */
async function violations(page: Page, reports: readonly string[]): Promise<string[]> {
  // Nothing gets at Firefox's workers: there the page's own has to do as the last report.
  const inChromium = (await page.browser().version()).includes('Chrome');
  const workers = inChromium ? page.workers().filter((each) => /coordinator|gpu/.test(each.url())) : [];
  expect(workers).toHaveLength(inChromium ? 2 : 0);
  // Reports come in their order: these are behind all others.
  for (const [i, asking] of [page, ...workers].entries()) {
    await asking.evaluate(
      (n) =>
        fetch(`https://elsewhere.invalid/${n}`)
          .catch(() => {})
          .then(() => {}),
      i,
    );
  }
  await eventually(() =>
    expect(new Set(reports.map(ownReport).filter(Boolean)).size).toBe(1 + workers.length),
  );
  return reports.filter((report) => !ownReport(report));
}
