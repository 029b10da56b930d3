/** What each screen says first, and what it leads to: with a coordinator that plays conversions. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ElementHandle, Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Mocked, openMocked } from '../support/page/mocked.ts';
import { clickText, waitForText } from '../support/page/screens.ts';
import { eventually } from '../support/patience.ts';

const SMALL = 'Try it with the small model';

let mocked: Mocked;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'exl2-texts-'));
  mocked = await openMocked();
});

afterAll(async () => {
  await mocked?.close();
  rmSync(folder, { recursive: true });
});

const textOf = (page: Page, selector: string): Promise<string> =>
  page.$eval(selector, (element) => element.textContent ?? '');

/** Without the explanations of its words. */
const seen = (page: Page, selector: string): Promise<string> =>
  page.$eval(selector, (element) => {
    const copy = element.cloneNode(true) as HTMLElement;
    for (const hidden of copy.querySelectorAll('[hidden]')) hidden.remove();
    return copy.textContent.replaceAll('\u2060', '');
  });

const textsOf = (page: Page, selector: string): Promise<string[]> =>
  page.$$eval(selector, (all) => all.map((element) => element.textContent ?? ''));

test('the headline is of text kept out of the calibration, and sizes are those of the weights', async () => {
  await mocked.withPage(async (page) => {
    await page.goto(`${mocked.url}?jobs=some#job=done`);
    await page.waitForSelector('.headline');
    // On its calibration text, 8.971 → 9.191, it would have been 2.5 %.
    expect(await textOf(page, '.headline')).toBe(
      '13.6 MB became 5.39 MB, 2.5 times smaller. On text kept out of the calibration its perplexity is 2.9\u00a0% ' +
        'higher, and its first choice for the next token is the original’s at 90.7\u00a0% of the places.',
    );
    const sizes = [...(await textOf(page, 'main')).matchAll(/5\.\d\d MB/g)].map(([size]) => size);
    // The files with tokenizer and report are named as such.
    expect(new Set(sizes)).toEqual(new Set(['5.39 MB', '5.65 MB']));
    expect(await textOf(page, '.save summary')).toBe('3 files, 5.65 MB with tokenizer and report');
    await page.goto(`${mocked.url}?jobs=some#job=not-compared`);
    await waitForText(page, 'was not measured on text kept out');
  });
});

test('the first token that differs is marked, with what both models gave it, and nothing behind it', async () => {
  await mocked.withPage(async (page) => {
    await page.goto(`${mocked.url}?jobs=some#job=done`);
    await clickText(page, 'Generate');
    await waitForText(page, 'Where they part');
    expect(await textsOf(page, 'mark')).toEqual([' small', ' tiny']);
    expect((await textsOf(page, '.odds tbody tr')).slice(0, 2)).toEqual([
      '␣small41.0 % (taken)39.0 %',
      '␣tiny39.0 %41.0 % (taken)',
    ]);
  });
});

test('an original that does not fit is told of before anything is written', async () => {
  await mocked.withPage(async (page) => {
    await page.goto(`${mocked.url}?model=large&jobs=some#job=done`);
    await waitForText(page, 'So the quantized model writes first');
    expect(await textOf(page, '.try .note')).toMatch(/takes 28\.\d GB of GPU memory.*may use 3\.00 GB/);
  });
});

test('the result is passed on as a picture of its grid and as one sentence', async () => {
  await mocked.withPage(async (page) => {
    await page.goto(`${mocked.url}?jobs=some#job=done`);
    await page.waitForSelector('.share canvas');
    const copied: string[] = [];
    await page.exposeFunction('keepCopied', (text: string) => copied.push(text));
    await page.evaluate(() => {
      const writeText = (text: string) =>
        (window as unknown as { keepCopied(t: string): void }).keepCopied(text);
      Object.defineProperty(navigator, 'clipboard', { value: { writeText } });
    });
    await clickText(page, 'Copy the text');
    await waitForText(page, 'Copied.');
    expect(copied).toEqual([await textOf(page, '.share-text')]);
    expect(copied[0]).toMatch(
      /^TinyStories 7M in EXL2 at 4\.00 bits per weight: 13\.6 MB became 5\.39 MB, .*2\.9\u00a0% higher/,
    );
    // The colours of the cells, and of paper and ink.
    const colours = await page.$eval('.share canvas', (canvas) => {
      const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(660, 0, 540, 630);
      const found = new Map<string, number>();
      for (let i = 0; i < data.length; i += 4) {
        const colour = `${data[i]},${data[i + 1]},${data[i + 2]}`;
        found.set(colour, (found.get(colour) ?? 0) + 1);
      }
      return [...found.values()].filter((count) => count > 1000).length;
    });
    expect(colours).toBeGreaterThan(4);
  });
});

/** Whether an element is wholly within the window, and nothing lies over it. */
const isInView = (element: ElementHandle): Promise<boolean> =>
  element.evaluate((node) => {
    const { top, left, bottom, right } = node.getBoundingClientRect();
    const above = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return top >= 0 && bottom <= innerHeight && node.contains(above);
  });

test.each([
  { width: 1280, height: 900 },
  { width: 390, height: 844 },
])('at $width × $height bitrate, consequences and Convert are in view together', async (viewport) => {
  await mocked.withPage(async (page) => {
    await page.setViewport(viewport);
    await page.goto(`${mocked.url}?model=large`);
    await clickText(page, SMALL);
    await waitForText(page, 'of disk');
    for (const selector of ['input[type=range]', '.outcome-line', '.plan-start .primary']) {
      expect([selector, await isInView((await page.$(selector))!)]).toEqual([selector, true]);
    }
    expect(await seen(page, '.outcome-line')).toBe(
      'Size14.5 GB → 3.87 GBTimeabout 15 min on this GPUExpected qualityclose to the original',
    );
  });
});

test('bitrates that are finished are marked, with what they lost; measuring first is as near', async () => {
  await mocked.withPage(async (page) => {
    await page.goto(`${mocked.url}?jobs=some`);
    await waitForText(page, 'waits for your choice');
    await clickText(page, SMALL);
    await waitForText(page, 'Measured quality');
    expect(await page.$$eval('.bits-known .made-mark', (marks) => marks.length)).toBe(2);
    expect(await textOf(page, '.outcome-line')).toContain('same next token at 90.7 %');
    await clickText(page, 'Measure first');
    await waitForText(page, 'then you choose');
    expect(await textOf(page, '.plan-start .primary')).toBe('Measure');
  });
});

test('own calibration text is looked at when it is chosen, and stands in the way until it is another', async () => {
  const empty = join(folder, 'empty.txt');
  const some = join(folder, 'some.txt');
  writeFileSync(empty, '');
  writeFileSync(some, 'words');
  await mocked.withPage(async (page) => {
    await page.goto(mocked.url);
    await clickText(page, SMALL);
    await waitForText(page, 'of disk');
    const field = (await page.$('#calibration-file')) as ElementHandle<HTMLInputElement>;
    const isBlocked = () => page.$eval('.plan-start .primary', (button) => button.matches(':disabled'));
    await field.uploadFile(empty);
    await waitForText(page, 'empty.txt has no text');
    expect(await isBlocked()).toBe(true);
    await field.uploadFile(some);
    await page.waitForFunction(() => !document.body.textContent.includes('empty.txt has no text'));
    await eventually(async () => expect(await isBlocked()).toBe(false));
  });
});

test('storage that is refused is told in words, and stands in the way of a conversion alone', async () => {
  await mocked.withPage(async (page) => {
    await page.goto(`${mocked.url}?storage=none`);
    await waitForText(page, 'lets this page keep nothing');
    await clickText(page, SMALL);
    await waitForText(page, 'Nothing can be kept here');
    expect(await page.$eval('.plan-start .primary', (button) => button.matches(':disabled'))).toBe(true);
  });
});

test('focus and title follow each screen', async () => {
  await mocked.withPage(async (page) => {
    const isAt = (heading: string, title: string) =>
      eventually(async () => {
        const focused = await page.evaluate(() => document.activeElement?.textContent);
        expect([focused, await page.title()]).toEqual([heading, title]);
      });
    await page.goto(`${mocked.url}?hold=measure:7&pace=5`);
    await clickText(page, SMALL);
    await isAt('TinyStories 7M', 'Plan · TinyStories 7M');
    await page.focus('.plan-start .primary');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.stage-bar');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('TinyStories 7M');
    // Its end takes the focused button away.
    await page.focus('.job-header button:last-child');
    await page.keyboard.press('Enter');
    await isAt('TinyStories 7M', 'cancelled · TinyStories 7M');
    await clickText(page, 'exl2-web');
    await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
    await eventually(async () =>
      expect(await page.title()).toBe('exl2-web: quantize a language model in the browser'),
    );
  });
});

test('what an interrupted measurement keeps is counted, and shown', async () => {
  await mocked.withPage(async (page) => {
    await page.goto(`${mocked.url}?jobs=some#job=waited`);
    await waitForText(page, 'What was finished is kept: 5 of 12 modules are measured.');
    expect(await page.$$eval('.grid .expected', (cells) => cells.length)).toBeGreaterThan(20);
    await page.goto(`${mocked.url}?jobs=some#job=interrupted`);
    await waitForText(page, 'all modules are measured, 3 of 12 parts are quantized to 4.00 bpw.');
  });
});

test('each stage says what it does, the whole has one progress, and promise and outcome stand side by side', async () => {
  await mocked.withPage(async (page) => {
    await page.goto(`${mocked.url}?hold=quantize:6&pace=5`);
    await clickText(page, SMALL);
    await clickText(page, 'Convert');
    await waitForText(page, 'Layer 3, attention is rounded for good');
    await waitForText(page, 'came out');
    const bars = await page.$$eval('.stage-bar [role=progressbar]', (all) =>
      all.map((bar) => [bar.getAttribute('aria-label'), Number(bar.getAttribute('aria-valuenow'))]),
    );
    expect(bars.map(([label]) => label)).toEqual(['The whole conversion', 'Quantization']);
    // Measuring takes most of the time.
    expect(bars[0]![1]).toBeGreaterThan(bars[1]![1] as number);
    expect(await seen(page, '[aria-label=Module] figcaption')).toMatch(
      /promised error \d.* %, came out at \d.* %/,
    );
  });
});

test('the recorded conversion is played without a GPU, stepped, wound on and back; it loads when it is asked for', async () => {
  await mocked.withPage(async (page) => {
    const loaded: string[] = [];
    page.on('request', (request) => loaded.push(request.url()));
    const recordings = () => loaded.filter((url) => /demo-[^/]*\.json/.test(url)).length;
    await page.goto(`${mocked.url}?gpu=none`);
    await waitForText(page, 'no access to a GPU');
    expect(recordings()).toBe(0);
    await clickText(page, 'Watch a conversion');
    await page.waitForSelector('.player-controls');
    expect([recordings(), new URL(page.url()).hash]).toEqual([1, '#demo']);
    const place = () =>
      page.$eval('.player-controls input', (range) => (range as HTMLInputElement).valueAsNumber);
    await eventually(async () => expect(await place()).toBeGreaterThan(0));
    await clickText(page, 'Pause');
    // Everything up to the first linear that is quantized.
    for (let i = 0; i < 14; i++) await clickText(page, 'Step');
    await waitForText(page, 'Layer 0, attention is rounded for good');
    const quantized = () => page.$$eval('.grid .settled', (cells) => cells.length);
    const there = await quantized();
    expect(there).toBeGreaterThan(0);
    await page.focus('.player-controls input');
    await page.keyboard.press('Home');
    await eventually(async () => expect(await quantized()).toBe(0));
    await clickText(page, 'To the result');
    await waitForText(page, 'Where they part');
    expect(await textOf(page, '.headline')).toMatch(/^13\.6 MB became 5\.4\d MB/);
    expect(await textsOf(page, '.job-header button:disabled')).toEqual(['Convert it here']);
  });
});

test('nothing plays by itself where motion is to be reduced', async () => {
  await mocked.withPage(async (page) => {
    await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
    await page.goto(`${mocked.url}#demo`);
    await page.waitForSelector('.player-controls');
    expect(await textsOf(page, '.player-controls button')).toEqual(['Play', 'Step', 'To the result']);
    expect(await textOf(page, '.player-controls .note')).toMatch(/^0:00 of/);
  });
});

test('a module’s panel leads to what its linears heard and became, and from there back', async () => {
  await mocked.withPage(async (page) => {
    await page.goto(`${mocked.url}?jobs=some#job=done`);
    await page.waitForSelector('.look-inside');
    await page.focus('.grid td[data-module="model.layers.1.mlp"][data-linear="down_proj"]');
    await page.keyboard.press('Enter');
    await waitForText(page, 'Layer 1, MLP');
    const links = await page.$$eval('.look-inside li:last-child a', (all) => all.map((a) => a.textContent));
    expect(links).toEqual(['What it hears: down', 'How it was rounded: down']);
    await page.focus('.look-inside li:last-child a');
    await page.keyboard.press('Enter');
    await waitForText(page, '38,912 calibration tokens');
    const heading = 'Layer 1, MLP: what down hears';
    await eventually(async () => expect(await page.title()).toBe(`${heading} · TinyStories 7M`));
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(heading);
    expect(await textOf(page, '.inspect .facts')).toContain(
      'model.layers.1.mlp.down_projInputs × outputs768 × 256',
    );

    await clickText(page, 'How it was rounded');
    await waitForText(page, '256 of 768 rows');
    const row = () => textOf(page, '.one-weight p');
    const first = await row();
    await page.focus('.stage input[type=range]');
    await page.keyboard.press('End');
    await eventually(async () => expect(await row()).not.toBe(first));
    expect(await row()).toMatch(
      /^Row 766, input \d+, output 0: -?0\.\d{4} → code \d, scale .* of 16\) → -?0\./,
    );
    await clickText(page, '←');
    await page.waitForSelector('.headline');
    expect(new URL(page.url()).hash).toBe('#job=done');

    await page.goto(
      `${mocked.url}?jobs=some&inspect=damaged#job=done/inspect=model.layers.0.self_attn.q_proj/bits=4/card=4`,
    );
    await waitForText(page, 'This cannot be shown');
    expect(await textOf(page, '[role=alert]')).toContain('The header of model.safetensors is damaged.');
    await page.goto(`${mocked.url}?jobs=some#job=done/inspect=model.layers.0.self_attn.w1/bits=4/card=2`);
    await waitForText(page, 'This model has no such linear');
  });
});
