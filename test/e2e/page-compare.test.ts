/** The verdict in the page, in a real browser: metrics, and both models' texts against the command line's. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Browser, Page } from 'puppeteer';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { JobRecord } from '../../workers/api/jobs.ts';
import { launchBrowser, openPage, type ServedPage, servePage } from '../support/browser.ts';
import { buildCli } from '../support/cli.ts';
import { dropFolder, standInForPicker } from '../support/page/folders.ts';
import { clickText, waitForText } from '../support/page/screens.ts';
import { onDisk, tinyModel } from '../support/tiny-model.ts';

const PROMPT = 'Once upon a time there was';
const TOKENS = 24;

const model = onDisk(tinyModel('mistral'), 'tiny');
const output = join(dirname(model), 'quantized');

let site: ServedPage;
let browser: Browser;
let page: Page;

/** One conversion to few bits, for all tests. */
beforeAll(async () => {
  buildCli();
  [browser, site] = await Promise.all([launchBrowser(), servePage('index.html')]);
  page = await openPage(browser);
  await page.goto(site.url);
  await waitForText(page, 'None yet');
  await dropFolder(page, model);
  await waitForText(page, 'of disk');
  await clickText(page, 'Convert');
  await waitForText(page, 'They are in this browser’s storage');
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
  rmSync(dirname(model), { recursive: true });
});

/** TypeScript's library of 2023 lacks it. */
type Base64Bytes = Uint8Array & { toBase64(): string };

/** The job as it is kept. */
const keptRecord = (): Promise<JobRecord> =>
  page.evaluate(
    () =>
      new Promise<JobRecord>((resolve) => {
        indexedDB.open('exl2-web').onsuccess = ({ target }) => {
          const store = (target as IDBOpenDBRequest).result.transaction('jobs').objectStore('jobs');
          store.getAll().onsuccess = (event) =>
            resolve((event.target as IDBRequest<{ record: JobRecord }[]>).result[0]!.record);
        };
      }),
  );

async function fill(selector: string, text: string): Promise<void> {
  await page.click(selector, { count: 3 });
  await page.keyboard.type(text);
  await page.keyboard.press('Tab');
}

interface ShownText {
  readonly title: string;
  readonly prompt: string;
  readonly text: string;
  readonly marked: string[];
  readonly facts: string;
}

const shownTexts = (): Promise<ShownText[]> =>
  page.$$eval('.text-panel', (panels) =>
    panels.map((panel) => {
      const contents = (selector: string) =>
        [...panel.querySelectorAll(selector)].map((each) => each.textContent);
      return {
        title: contents('h3').join(),
        prompt: contents('.prompt-text').join(),
        text: contents('.text > :not(.prompt-text)').join(''),
        marked: contents('mark'),
        facts: contents('.text-facts').join(),
      };
    }),
  );

/** Waits until the facts of both texts start so. */
const waitForFacts = (starts: readonly string[]) =>
  page.waitForFunction(
    (wanted) =>
      [...document.querySelectorAll('.text-facts')].every((facts, i) =>
        wanted[i] ? facts.textContent.startsWith(wanted[i]) : facts.textContent === '',
      ),
    {},
    starts,
  );

/** What the command line writes. */
function commandLine(folder: string): { text: string; tokens: number } {
  const args = ['--model', folder, '--prompt', PROMPT, '--max-tokens', String(TOKENS), '--json'];
  const { stdout, stderr, status } = spawnSync(process.execPath, ['dist/cli/generate.js', ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`The command line ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as { text: string; tokens: number };
}

/** Copies the output from the browser's storage to the disk. */
async function saveOutput(id: string, bits: number): Promise<void> {
  const files = await page.evaluate(
    async (path) => {
      let folder = await navigator.storage.getDirectory();
      for (const name of path) folder = await folder.getDirectoryHandle(name);
      const read = async (handle: FileSystemFileHandle) =>
        (new Uint8Array(await (await handle.getFile()).arrayBuffer()) as Base64Bytes).toBase64();
      const found: [string, string][] = [];
      for await (const [name, handle] of folder.entries())
        found.push([name, await read(handle as FileSystemFileHandle)]);
      return found;
    },
    ['jobs', id, 'output', String(bits)],
  );
  mkdirSync(output);
  for (const [name, data] of files) writeFileSync(join(output, name), Buffer.from(data, 'base64'));
}

/** Whatever an earlier test has left under way. */
beforeEach(async () => {
  await page.waitForFunction(() => {
    const stop = [...document.querySelectorAll('button')].find((each) => each.textContent === 'Stop');
    stop?.click();
    return stop === undefined;
  });
});

test('the metrics are the record’s', async () => {
  const { results } = await keptRecord();
  const { perplexity, divergence, agreement, rows, length } = results[0]!.evaluation!;
  const cells = await page.$$eval('.metrics tbody td', (all) => all.map((cell) => cell.textContent));
  expect(cells).toEqual([
    `${perplexity.reference.toFixed(3)} → ${perplexity.model.toFixed(3)}`,
    ...[divergence.mean, divergence.median, divergence.p99].map((nats) => nats.toPrecision(3)),
    expect.stringMatching(/^\d+(\.\d+)? %$/),
  ]);
  expect(Number.parseFloat(cells[4]!)).toBeCloseTo(100 * agreement, 1);
  await waitForText(page, `Over ${rows * length} tokens. Another bitrate`);
  expect(await page.$('#divergence')).toBeNull();
});

test('both models continue the prompt as on the command line, and the place where they part is marked', async () => {
  await fill('#prompt', PROMPT);
  await fill('#max-tokens', String(TOKENS));
  await clickText(page, 'Generate');
  await waitForText(page, 'then they part');
  const texts = await shownTexts();
  const { id } = await keptRecord();
  await saveOutput(id, 4);
  const expected = [commandLine(model), commandLine(output)];
  expect(texts.map(({ prompt, text }) => ({ prompt, text }))).toEqual(
    expected.map(({ text }) => ({ prompt: PROMPT, text })),
  );
  expect(texts.map(({ title }) => title)).toEqual(['Original', '4.00 bpw']);
  for (const [index, { marked, facts }] of texts.entries()) {
    expect(marked.join('')).not.toBe('');
    // A model may end its text before the limit.
    const [count, rate, prompt] = facts.split(' · ');
    expect(count).toBe(`${expected[index]!.tokens} tokens`);
    expect(rate).toMatch(/^\d+(\.\d)? tokens\/s$/);
    expect(prompt).toMatch(/^prompt \d+\.\d+ s$/);
  }
});

test('stops in the middle, and writes again from the models that are loaded', async () => {
  await fill('#prompt', PROMPT);
  await fill('#max-tokens', '200');
  await clickText(page, 'Generate');
  // In the page itself: before a word from here arrives it may have written them all.
  await page.waitForFunction(() => {
    const isUnderWay = /^([3-9]|\d\d) tokens/.test(document.querySelector('.text-facts')!.textContent);
    const stop = [...document.querySelectorAll('button')].find((each) => each.textContent === 'Stop');
    if (isUnderWay) stop?.click();
    return isUnderWay && stop !== undefined;
  });
  await waitForText(page, 'Stopped.');
  const [original, quantized] = await shownTexts();
  expect(original!.facts).toMatch(/^\d{1,2} tokens · .* · stopped$/);
  expect(quantized).toMatchObject({ text: '', facts: 'stopped' });

  await fill('#max-tokens', '3');
  await clickText(page, 'Generate');
  await waitForText(page, 'All 3 tokens are the same.');
});

test('after a reload the browser asks; refused, the output writes alone until the folder is chosen again', async () => {
  await page.evaluateOnNewDocument(() => {
    const asked: string[] = [];
    // Nobody answers the real question here.
    FileSystemHandle.prototype.requestPermission = async function () {
      asked.push(this.name);
      return 'denied';
    };
    Object.assign(window, { asked });
  });
  await page.reload();
  await waitForText(page, 'Beside the original');
  await fill('#prompt', PROMPT);
  await fill('#max-tokens', '6');
  await clickText(page, 'Generate');
  await waitForFacts(['', '6 tokens']);
  expect(await page.evaluate('asked')).toEqual(['tiny']);
  const problem = await page.$eval('.text-panel .problem-text', (words) => words.textContent);
  expect(problem).toMatch(/^It cannot be run\. .*the browser does not permit it/);

  await standInForPicker(page, 'tiny', tinyModel('mistral'));
  await clickText(page, 'Choose the model’s folder again');
  await waitForFacts(['6 tokens', '6 tokens']);
  expect(await page.$('.text-panel .problem-text')).toBeNull();
});
