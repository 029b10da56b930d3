/** The page as it is served, in a real browser, from a folder to its files. Only the pickers are stood in for. */

import puppeteer, { type Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPage } from '../support/browser.ts';
import { dropFolder, standInForPicker } from '../support/page/folders.ts';
import { clickText, waitForQueued, waitForText } from '../support/page/screens.ts';
import { digests, type Served, serve, storedFiles, storedFolders } from '../support/page/served.ts';
import { tinyModel } from '../support/tiny-model.ts';

let served: Served;

beforeAll(async () => {
  served = await serve();
});
afterAll(() => served?.close());

async function withPage(use: (page: Page) => Promise<void>): Promise<void> {
  expect(await served.withPage(use)).toEqual([]);
}

const resultRows = (page: Page): Promise<(string | null)[][]> =>
  page.$$eval('.results tbody tr', (rows) =>
    rows.map((row) => [...row.children].map((cell) => cell.textContent)),
  );

test('a dropped folder is planned, converted and saved to another folder', async () => {
  await withPage(async (page) => {
    await dropFolder(page, served.modelFolder('tiny-llama'));
    await waitForText(page, 'LlamaForCausalLM');
    await waitForText(page, 'of disk');
    await clickText(page, 'Convert');
    await waitForText(page, 'They are in this browser’s storage');
    const [original, quantized] = await resultRows(page);
    expect(original?.[0]).toBe('original');
    await clickText(page, 'What it hears');
    // Of the conversion's own run, which is over: what is kept of it, and the output in the browser's storage.
    await waitForText(page, 'calibration tokens, as the quantized modules before it make them');
    await waitForText(page, 'The measurement’s text begins');
    await clickText(page, 'How it was rounded');
    await waitForText(page, 'Moved by');
    await clickText(page, '←');
    await waitForText(page, 'They are in this browser’s storage');
    expect(Number(quantized?.[1])).toBeCloseTo(4, 0);
    expect(Number(quantized?.[4])).toBeGreaterThan(1);

    await standInForPicker(page, 'saved', new Map());
    await clickText(page, 'Save all to a folder');
    await waitForText(page, 'Saved to saved/tiny-llama-4bpw-exl2.');
    const saved = [...(await storedFiles(page, 'saved/tiny-llama-4bpw-exl2')).keys()].sort();
    expect(saved).toEqual([
      'README.md',
      'config.json',
      'output.safetensors',
      'report.html',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });
});

test('a job goes on after a reload, waits for the choice, and makes two bitrates', async () => {
  await withPage(async (page) => {
    await standInForPicker(page, 'tiny', tinyModel());
    await clickText(page, 'Choose a model folder');
    await waitForText(page, 'of disk');
    await clickText(page, 'Measure first');
    await page.click('.plan-start .primary');
    await waitForText(page, 'tiny: Measure');
    await page.reload();
    await waitForText(page, 'was interrupted');
    await clickText(page, 'Go on');
    await waitForText(page, 'waits for your choice');
    await clickText(page, '5');
    await waitForText(page, 'Quantize to 5.00 bpw');
    await clickText(page, '+ keep this one');
    await clickText(page, '6');
    await clickText(page, 'Quantize to 5.00 and 6.00 bpw');
    await waitForText(page, 'its perplexity is');
    const rows = await resultRows(page);
    expect(rows.map((row) => row[0])).toEqual(['original', '5.00 bpw', '6.00 bpw']);

    // From before the reload on.
    await clickText(page, 'Replay');
    await waitForText(page, 'interruptions are left out');
    await clickText(page, 'Step');
    await waitForText(page, 'of the whole');
    expect(await page.$eval('.step[aria-current]', (step) => step.textContent)).toBe(
      'Measurement, under way',
    );
    await clickText(page, 'To the result');
    await waitForText(page, 'its perplexity is');

    await clickText(page, 'Another bitrate');
    await waitForText(page, 'elbow');
  });
});

test('a second conversion waits for the first; after a reload both go on with one click, to the same bytes', async () => {
  await withPage(async (page) => {
    await standInForPicker(page, 'tiny', tinyModel());
    for (const button of ['Convert', 'Add to queue']) {
      await clickText(page, 'Choose a model folder');
      await waitForText(page, 'of disk');
      await clickText(page, button);
      if (button === 'Convert') await waitForText(page, 'tiny: Measure');
      await clickText(page, 'exl2-web');
    }
    await waitForQueued(page, 'next');
    await page.click('.queue li:last-child a');
    await waitForText(page, 'It is next');
    await page.reload();
    await waitForText(page, 'was interrupted');
    await clickText(page, 'exl2-web');
    await clickText(page, 'Go on with both');
    await page.waitForSelector('.queue li:nth-child(2)');
    expect(await page.$$eval('.queue .state', ([, second]) => second?.textContent)).toBe('next');
    await page.waitForFunction(() => document.querySelectorAll('.jobs .state.done').length === 2);

    const jobs = await storedFolders(page, 'jobs');
    expect(jobs).toHaveLength(2);
    const [one, other] = await Promise.all(jobs.map((id) => storedFiles(page, `jobs/${id}/output/4`)));
    expect(digests(one!)).toEqual(digests(other!));
  });
});

const WRONG: readonly (readonly [string, (files: Map<string, Buffer>) => void, RegExp])[] = [
  ['without config.json', (files) => void files.delete('config.json'), /config\.json/],
  [
    'with a truncated shard',
    (files) => {
      files.set('model.safetensors', files.get('model.safetensors')?.subarray(0, 5000) ?? Buffer.alloc(0));
    },
    /model\.safetensors/,
  ],
  [
    'of an architecture that is not known',
    (files) => {
      const config = JSON.parse(String(files.get('config.json')));
      files.set(
        'config.json',
        Buffer.from(JSON.stringify({ ...config, architectures: ['MambaForCausalLM'] })),
      );
    },
    /MambaForCausalLM/,
  ],
];

test.each(WRONG)('a folder %s is refused in words', async (_, change, words) => {
  await withPage(async (page) => {
    await dropFolder(page, served.modelFolder('wrong', change));
    await waitForText(page, 'cannot be converted');
    expect(await page.$eval('.notice-text', (notice) => notice.textContent)).toMatch(words);
  });
});

test('a browser without WebGPU is told what to do', async () => {
  const without = await puppeteer.launch({
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-features=WebGPU',
      '--disable-blink-features=WebGPU',
      '--disable-background-networking',
    ],
    executablePath: process.env['PUPPETEER_EXECUTABLE_PATH'] ?? '/usr/bin/chromium',
  });
  try {
    const page = await openPage(without);
    await page.goto(served.site.url);
    await waitForText(page, 'no access to a GPU');
    expect(
      await page.$$eval('.drop-zone button:not(.term)', (buttons) => buttons.map((each) => each.disabled)),
    ).toEqual([true, true]);
  } finally {
    await without.close();
  }
});
