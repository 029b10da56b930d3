/** The page's screens with a coordinator that plays conversions: what they show, do and cost. */

import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { standInForPicker } from '../support/page/folders.ts';
import { longestTask, TASK_CATEGORIES } from '../support/page/long-tasks.ts';
import { LOOKS, setLook, takePicture } from '../support/page/looks.ts';
import { type Mocked, openMocked } from '../support/page/mocked.ts';
import { clickText, SCREENS, showScreen, waitForText } from '../support/page/screens.ts';
import { eventually } from '../support/patience.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

let mocked: Mocked;

beforeAll(async () => {
  mocked = await openMocked();
});

afterAll(() => mocked?.close());

const withPage: Mocked['withPage'] = (use) => mocked.withPage(use);

describe.each(LOOKS)('$width px, $theme', (look) => {
  test.each(SCREENS)('$name: accessible, and never wider than the page', async (screen) => {
    await withPage(async (page) => {
      await setLook(page, look);
      await showScreen(page, mocked.url, screen);
      await takePicture(page, screen.name, look);
      await page.addScriptTag({ path: AXE });
      const found = await page.evaluate(() =>
        (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
      );
      const violations = found.violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join('\n')}`,
      );
      expect(violations).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(look.width);
    });
  });
});

test.each(['large', 'huge'])(
  'no task of the main thread takes 50 ms while a %s model is converted',
  async (model) => {
    const longest = await withPage(async (page) => {
      await page.setViewport({ width: 1280, height: 800 });
      await page.goto(`${mocked.url}?model=${model}&pace=100`);
      await clickText(page, 'Try it with the small model');
      await waitForText(page, 'of disk');
      await page.tracing.start({ categories: TASK_CATEGORIES });
      await clickText(page, 'Convert');
      await waitForText(page, 'Layer 3, attention'); // four modules are done
      return longestTask(await page.tracing.stop());
    });
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThan(50);
  },
);

test('from the demo model to its files', async () => {
  await withPage(async (page) => {
    await page.goto(`${mocked.url}?pace=1`);
    await clickText(page, 'Try it with the small model');
    await waitForText(page, '13.6 MB → 5.39 MB');
    await clickText(page, 'Convert');
    await waitForText(page, '2.5 times smaller');
    await eventually(async () => expect(await page.title()).toBe('done · TinyStories 7M'));
    const files = await page.$$eval('.files li', (lines) => lines.map((line) => line.textContent));
    expect(files).toEqual(['output.safetensors5.39 MB', 'tokenizer.json263 kB', 'config.json1.00 kB']);

    // The grid has the error of each linear, also for a screen reader.
    await page.focus('.grid td');
    expect(await page.$eval('.grid td', (td) => td.textContent)).toBe('4.44bpw, error 1.96');
    await eventually(async () =>
      expect(await page.$eval('.readout', (line) => line.textContent)).toMatch(
        /^Layer 0, attention, q 4\.44 bpw, error 1\.96 % of its own output: .* 256 × 256$/,
      ),
    );
  });
});

test('precision can be chosen where the GPU has matrix units, and the time follows', async () => {
  const sentence = (page: Page) => page.$eval('.outcome-line', (line) => line.textContent);
  await withPage(async (page) => {
    await page.goto(`${mocked.url}?model=large`);
    await clickText(page, 'Try it with the small model');
    await waitForText(page, 'of disk');
    expect(await page.$('#precision')).toBeNull();
  });
  await withPage(async (page) => {
    await page.goto(`${mocked.url}?model=large&gpu=matrix`);
    await clickText(page, 'Try it with the small model');
    await waitForText(page, 'of disk');
    const mixed = await sentence(page);
    await page.select('#precision', 'f32');
    await page.waitForFunction(
      (before) => !document.querySelector('.outcome-line')?.textContent.includes(before),
      {},
      /about [^,;]* on/.exec(mixed)![0],
    );
  });
});

test('Enter begins a text; top-k and top-p are offered only where they mean something', async () => {
  await withPage(async (page) => {
    await page.goto(`${mocked.url}?jobs=some&texts=writing#job=done`);
    await waitForText(page, 'See the difference');
    expect(await page.$('#top-k')).toBeNull();
    await page.click('#temperature', { count: 3 });
    await page.keyboard.type('0.8');
    await page.keyboard.press('Enter');
    await waitForText(page, '21 tokens');
    await clickText(page, 'More');
    expect(await page.$$eval('#top-k, #top-p', (fields) => fields.length)).toBe(2);
    expect(await page.$eval('.prompt-form .primary', (button) => button.textContent)).toBe('Stop');
  });
});

test('the chart marks the bitrate that is shown', async () => {
  await withPage(async (page) => {
    await page.goto(`${mocked.url}?jobs=some#job=done`);
    const chart = () =>
      page.$$eval('[aria-labelledby=divergence] .point', (points) =>
        points.map((point) => `${point.textContent}${point.matches('.chosen') ? ', shown' : ''}`),
      );
    await waitForText(page, 'KL divergence against bits');
    expect(await chart()).toEqual(['2.75 bpw: 0.535', '4.00 bpw: 0.0965, shown']);
    await clickText(page, '2.75 bpw');
    await page.waitForFunction(() =>
      document.querySelector('.point.chosen')?.textContent?.startsWith('2.75'),
    );
    expect(await chart()).toEqual(['2.75 bpw: 0.535, shown', '4.00 bpw: 0.0965']);
  });
});

test('a job is paused, goes on, is cancelled, goes on again and is removed', async () => {
  await withPage(async (page) => {
    await page.goto(`${mocked.url}?pace=60`);
    await clickText(page, 'Try it with the small model');
    await clickText(page, 'Convert');
    await clickText(page, 'Pause');
    await waitForText(page, 'The GPU is free');
    await clickText(page, 'Go on');
    await waitForText(page, 'running');
    await clickText(page, 'Cancel');
    await waitForText(page, 'was cancelled');
    await clickText(page, 'Go on');
    await waitForText(page, 'running');
    await clickText(page, 'Cancel');
    await clickText(page, 'Remove');
    await clickText(page, 'Remove for good');
    await waitForText(page, 'None yet');
  });
});

/** Of each line of the queue: state and what can be done. */
const queueLines = (page: Page): Promise<string[]> =>
  page.$$eval('.queue li', (lines) =>
    lines.map((line) =>
      [line.querySelector('.state'), ...line.querySelectorAll('button')]
        .map((each) => each?.textContent)
        .join(' | '),
    ),
  );

test('models are added while one is converted, move up, are cancelled, and run in their order', async () => {
  await withPage(async (page) => {
    const lines = (expected: string[]) =>
      eventually(async () => expect(await queueLines(page)).toEqual(expected));
    await page.goto(`${mocked.url}?pace=100`);
    for (const bits of ['4', '5', '6']) {
      await clickText(page, 'Try it with the small model');
      await waitForText(page, 'of disk');
      await page.$$eval(
        '.bits-known button',
        (marks, wanted) => marks.find((mark) => mark.textContent === wanted)?.click(),
        bits,
      );
      await clickText(page, bits === '4' ? 'Convert' : 'Add to queue');
      if (bits === '4') {
        await waitForText(page, 'of the whole');
        await clickText(page, 'Pause');
        await clickText(page, 'exl2-web');
      }
      await waitForText(page, 'Keep this page open');
    }
    await lines(['paused | Go on | Cancel', 'next | Cancel', 'number 2 | Move up | Cancel']);
    await eventually(async () => expect(await page.title()).toBe('paused · TinyStories 7M · 2 more'));
    await page.focus('[aria-label^="Move up"]');
    await page.keyboard.press('Enter');
    await eventually(async () => {
      const bits = await page.$$eval('.queue .number', (all) => all.map((each) => each.textContent));
      expect(bits).toEqual(['4.00 bpw', '6.00 bpw', '5.00 bpw']);
    });
    await page.waitForFunction(
      () =>
        document.activeElement?.closest('.queue li')?.querySelector('.number')?.textContent === '6.00 bpw',
    );
    await clickText(page, 'Go on');
    await page.waitForFunction(() => document.title.includes('Measure'));
    await page.click('.queue li:last-child a');
    await waitForText(page, 'It is number 2, and starts in about');
    await clickText(page, 'Cancel');
    await waitForText(page, 'was cancelled');
    await page.waitForFunction(() => document.title === 'cancelled · TinyStories 7M');
    await clickText(page, 'exl2-web');
    await eventually(async () => {
      const states = await page.$$eval('.jobs .state', (all) => all.map((each) => each.textContent));
      expect(states).toEqual(['done', 'cancelled', 'done']);
    });
  });
});

test('one that fails does not stop the next; what was interrupted goes on in its order with one click', async () => {
  await withPage(async (page) => {
    await page.goto(`${mocked.url}?jobs=some&fail=measure:3&pace=5`);
    await clickText(page, 'Go on with both');
    // The one that had been measured comes first and is finished; the other one fails.
    await page.waitForFunction(
      () => document.querySelectorAll('.state.done').length === 5 && !document.querySelector('.queue'),
    );
    expect(await page.$$eval('.state.failed', (all) => all.length)).toBe(3);
    expect(await page.$$eval('.state.interrupted', (all) => all.length)).toBe(1);
  });
});

test('after measuring, slider and pins move the whole grid, and several bitrates are made', async () => {
  await withPage(async (page) => {
    await page.goto(`${mocked.url}?jobs=some&pace=1#job=choosing`);
    await waitForText(page, 'total error');
    const cells = () => page.$$eval('.grid td', (all) => all.map((cell) => cell.textContent));
    const before = await cells();
    await page.focus('input[type=range]');
    for (let i = 0; i < 20; i++) await page.keyboard.press('ArrowRight');
    await waitForText(page, 'Quantize to 5.00 bpw');
    await page.waitForFunction(
      (old) => document.querySelector('.grid td')?.textContent !== old,
      {},
      before[0],
    );
    expect((await cells()).filter((text, i) => text !== before[i]).length).toBeGreaterThan(20);

    await page.focus('.grid td');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await waitForText(page, 'Layer 1, attention');
    await page.select('#pin', '18');
    await waitForText(page, 'Unpin the module');
    await page.waitForFunction(() => document.querySelectorAll('.pinned').length === 5);

    await clickText(page, '+ keep this one');
    await clickText(page, '3');
    await clickText(page, 'Quantize to 5.00 and 3.00 bpw');
    await waitForText(page, 'times smaller');
    expect(await page.$$eval('.results tbody th', (heads) => heads.map((head) => head.textContent))).toEqual([
      'original',
      '5.00 bpw',
      '3.00 bpw',
    ]);
  });
});

test('a choice that is refused is still there, and its job is not asked to go on', async () => {
  await withPage(async (page) => {
    await page.goto(`${mocked.url}?jobs=some&quantize=refused#choose=done`);
    await waitForText(page, 'total error');
    await page.focus('input[type=range]');
    for (let i = 0; i < 20; i++) await page.keyboard.press('ArrowRight');
    await clickText(page, 'Quantize to 5.00 bpw');
    await waitForText(page, 'Another conversion makes that one.');
    const buttons = await page.$$eval('button', (all) => all.map((each) => each.textContent));
    expect(buttons).toContain('Quantize to 5.00 bpw');
    expect(buttons).not.toContain('Choose the model’s folder again');
    expect(buttons).not.toContain('Go on');
    expect(new URL(page.url()).hash).toBe('#choose=done');
  });
});

test('what is finished of a cancelled job is saved to a folder of its own, which is never written over', async () => {
  const saved = (page: Page) =>
    page.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const chosen = await root.getDirectoryHandle('chosen');
      const texts: Record<string, string> = {};
      const read = async (folder: FileSystemDirectoryHandle, prefix: string) => {
        for await (const [name, handle] of folder.entries()) {
          if (handle instanceof FileSystemDirectoryHandle) await read(handle, `${prefix}${name}/`);
          else if (handle instanceof FileSystemFileHandle)
            texts[prefix + name] = await (await handle.getFile()).text();
        }
      };
      await read(chosen, '');
      return texts;
    });
  await withPage(async (page) => {
    await page.goto(`${mocked.url}?jobs=some#job=half-done`);
    await waitForText(page, 'Save it, 4.00 bpw');
    await standInForPicker(page, 'chosen', new Map([['config.json', Buffer.from('the model’s own')]]));
    await clickText(page, 'Save all to a folder');
    await waitForText(page, 'Saved to chosen/TinyStories 7M-4bpw-exl2.');
    const files = await saved(page);
    expect(files).toEqual({
      'config.json': 'the model’s own',
      'TinyStories 7M-4bpw-exl2/config.json': 'config.json',
      'TinyStories 7M-4bpw-exl2/output.safetensors': 'output.safetensors',
      'TinyStories 7M-4bpw-exl2/tokenizer.json': 'tokenizer.json',
    });
    await clickText(page, 'Save all to a folder');
    await waitForText(page, 'is there already and holds files');
    expect(await saved(page)).toEqual(files);
  });
});

test('only changes of stage and state are announced', async () => {
  await withPage(async (page) => {
    await page.goto(`${mocked.url}?pace=10`);
    await clickText(page, 'Try it with the small model');
    await page.evaluate(() => {
      const said: string[] = [];
      const listen = () => {
        const text = document.querySelector('main > [role=status]')?.textContent;
        if (text && said.at(-1) !== text) said.push(text);
      };
      new MutationObserver(listen).observe(document.body, {
        subtree: true,
        childList: true,
        characterData: true,
      });
      Object.assign(window, { said });
    });
    await clickText(page, 'Convert');
    await waitForText(page, 'times smaller');
    const said = await page.evaluate(() => (window as unknown as { said: string[] }).said);
    expect(said.map((text) => text.replace('TinyStories 7M: ', ''))).toEqual(
      expect.arrayContaining(['Measurement', 'Quantization', 'done']),
    );
    expect(said.length).toBeLessThan(10);
  });
});

test('an explanation opens on focus and closes with Escape', async () => {
  await withPage(async (page) => {
    await page.goto(mocked.url);
    await page.waitForSelector('.term');
    await page.focus('.term');
    await page.waitForSelector('.explanation:not([hidden])');
    expect(await page.$eval('.explanation', (box) => box.textContent)).toContain('The original has 16');
    const [id, text] = await page.$eval('.term', (term) => {
      const describedBy = term.getAttribute('aria-describedby') ?? '';
      return [describedBy, document.getElementById(describedBy)?.textContent];
    });
    expect([id !== '', text]).toEqual([true, expect.stringContaining('The original has 16')]);
    await page.keyboard.press('Escape');
    await page.waitForSelector('.explanation[hidden]');
  });
});
