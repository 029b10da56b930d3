/** The lessons as a reader goes through them. */

import type { Page } from 'puppeteer';
import { LESSON_TITLES } from '../../../src/app/learn/titles.ts';

/** What the reader moves on a card, after the guess, until the figure shows something else. */
const MOVES: readonly ((page: Page) => Promise<void>)[] = [
  (page) => clickIn(page, '.segments button', '2'),
  (page) => slide(page, '.player input', 90),
  (page) => slide(page, '.weight:nth-child(2) input', -0.6),
  (page) => slide(page, '.player input', 110),
  (page) => slide(page, '.stage > input', 4),
  (page) => slide(page, '.figure-body > input', 60),
  (page) => clickIn(page, '.stage button', 'Let the solver'),
  (page) => slide(page, '.stops input', 3),
];

/** Opens the first card and waits for its figure. */
export async function openLessons(page: Page, url: string): Promise<void> {
  await page.goto(`${url}#learn`);
  await figureOf(page, 1);
}

/** On to the next card, by the keyboard. */
export async function turn(page: Page, card: number): Promise<void> {
  await page.keyboard.press('ArrowRight');
  await figureOf(page, card);
}

/** Waits for a card and the figure's data. */
export async function figureOf(page: Page, card: number): Promise<void> {
  await page.waitForFunction(
    (title) =>
      document.querySelector('#lesson')?.textContent === title &&
      document.querySelector('.stage .readouts, .stage .recipe, .stage .player, .stage .figure-body') !==
        null,
    {},
    LESSON_TITLES[card - 1]!,
  );
}

/** Guesses the choice at `which`, moves what the card has to be moved, and gives what the figure said before and after. */
export async function play(page: Page, card: number, which: number): Promise<readonly [string, string]> {
  await page.click(`.choices button:nth-child(${which + 1})`);
  await page.waitForFunction(() => document.querySelector('.answer')?.textContent !== '');
  if (card === 5) await page.waitForFunction(() => document.querySelectorAll('.chart circle').length === 18);
  const before = await figureText(page);
  await MOVES[card - 1]!(page);
  await page.waitForFunction(
    (old) => {
      const text = document.querySelector('.stage')?.textContent;
      return text !== old && document.querySelector('.stale') === null;
    },
    {},
    before,
  );
  return [before, await figureText(page)];
}

const figureText = (page: Page): Promise<string> => page.$eval('.stage', (stage) => stage.textContent ?? '');

async function clickIn(page: Page, selector: string, text: string): Promise<void> {
  await page.$$eval(
    selector,
    (buttons, wanted) => {
      for (const button of buttons) if (button.textContent === wanted) (button as HTMLElement).click();
    },
    text,
  );
}

async function slide(page: Page, selector: string, value: number): Promise<void> {
  await page.$eval(
    selector,
    (input, to) => {
      (input as HTMLInputElement).value = String(to);
      input.dispatchEvent(new Event('input', { bubbles: true }));
    },
    value,
  );
}
