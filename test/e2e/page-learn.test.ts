/** The lessons, walked through as a reader does. */

import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CARDS } from '../../src/app/learn/cards.ts';
import { LAST_QUESTIONS } from '../../src/app/learn/last-questions.ts';
import { lessonTitle } from '../../src/app/learn/titles.ts';
import { launchBrowser, openPage, type ServedPage, servePage } from '../support/browser.ts';
import { figureOf, openLessons, play, turn } from '../support/page/lessons.ts';
import { longestTask, TASK_CATEGORIES } from '../support/page/long-tasks.ts';
import { LOOKS, setLook, takePicture } from '../support/page/looks.ts';
import { clickText, waitForText } from '../support/page/screens.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

let browser: Browser;
let site: ServedPage;

beforeAll(async () => {
  [browser, site] = await Promise.all([launchBrowser(), servePage('test/support/page/index.html')]);
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
});

async function withPage(use: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.createBrowserContext();
  const page = await openPage(context);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  try {
    await use(page);
    expect(errors).toEqual([]);
  } finally {
    await context.close();
  }
}

async function violations(page: Page): Promise<string[]> {
  const found = await page.evaluate(() =>
    (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join('\n')}`);
}

test.each(LOOKS)(
  'at $width px, $theme: eight cards are read, guessed and moved, accessible and never wider than the page',
  async (look) => {
    await withPage(async (page) => {
      await setLook(page, look);
      await openLessons(page, site.url);
      await page.addScriptTag({ path: AXE });
      for (const [i, card] of CARDS.entries()) {
        if (i > 0) {
          await turn(page, i + 1);
          expect(await page.evaluate(() => document.activeElement?.id)).toBe('lesson');
        }
        expect(await page.title()).toBe(lessonTitle(i + 1));
        // Nothing plays by itself, nor can be made to.
        expect(await page.$('.play')).toBeNull();
        const [before, after] = await play(page, i + 1, card.right);
        expect(after).not.toBe(before);
        expect(await page.$eval('.answer', (answer) => answer.textContent)).toBe(card.answer);
        expect(await violations(page)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
          look.width,
        );
        await takePicture(page, `card ${i + 1}`, look);
      }
      await clickText(page, 'Three questions');
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('last-questions');
      for (const { choices, answer } of LAST_QUESTIONS) {
        await clickText(page, choices[0]!);
        await waitForText(page, answer[0]!);
      }
      expect(await violations(page)).toEqual([]);
      await takePicture(page, 'last questions', look);
      await clickText(page, 'Now your own model');
      await waitForText(page, 'None yet');
    });
  },
);

test('the start screen leads to the lessons, which nothing is loaded for before; a card has an address', async () => {
  await withPage(async (page) => {
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(site.url);
    await waitForText(page, 'See how it works');
    expect(asked.filter((url) => url.includes('learn'))).toEqual([]);
    await clickText(page, 'See how it works');
    await figureOf(page, 1);
    await page.goto(`${site.url}#learn=7`);
    await figureOf(page, 7);
    await page.keyboard.press('ArrowLeft');
    await figureOf(page, 6);
    expect(new URL(page.url()).hash).toBe('#learn=6');
    await page.goBack();
    await figureOf(page, 7);
  });
});

test('presenting hides what is around and doubles the type, until Escape or another screen', async () => {
  await withPage(async (page) => {
    await page.goto(`${site.url}#learn=7`);
    await figureOf(page, 7);
    const size = () =>
      page.$eval('#lesson', (heading) => Number.parseFloat(getComputedStyle(heading).fontSize));
    const plain = await size();
    await clickText(page, 'Present');
    await page.waitForFunction(() => document.documentElement.classList.contains('presenting'));
    expect(await size()).toBeCloseTo(2 * plain, 0);
    expect(await page.$eval('.masthead', (head) => getComputedStyle(head).display)).toBe('none');
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => !document.documentElement.classList.contains('presenting'));
  });
});

test('the reader’s own sentence takes the story’s place, and one that plays never blocks the page', async () => {
  await withPage(async (page) => {
    await page.goto(`${site.url}#learn=2`);
    await figureOf(page, 2);
    const tokens = () =>
      page.$$eval('.ribbon button', (all) => all.map((each) => each.textContent).join(' '));
    expect(await tokens()).toMatch(/^begin Once upon a time ,/);
    await page.tracing.start({ categories: TASK_CATEGORIES });
    await clickText(page, 'Play');
    await page.waitForFunction(
      () => document.querySelector<HTMLInputElement>('.player input')!.value === '147',
    );
    await page.type('.text-form input', 'The red boat.');
    await clickText(page, 'Use it');
    await page.waitForFunction(() => document.querySelectorAll('.ribbon button').length === 5);
    expect(await tokens()).toBe('begin The red boat .');
    for (let card = 3; card <= 4; card++) {
      await page.$eval('#lesson', (heading) => (heading as HTMLElement).focus());
      await turn(page, card);
    }
    await clickText(page, 'Play');
    await page.waitForFunction(
      () => document.querySelector<HTMLInputElement>('.player input')!.value === '256',
    );
    const longest = longestTask(await page.tracing.stop());
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThan(50);
  });
});
