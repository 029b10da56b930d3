/**
 * The widths and colours in which screens are tested. With PICTURES=<folder> there are all of them, and each screen leaves
 * a picture of itself in the folder, to be looked at.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'puppeteer';

export interface Look {
  readonly width: number;
  readonly theme: 'light' | 'dark';
}

const { PICTURES } = process.env;

export const LOOKS: readonly Look[] = PICTURES
  ? [1920, 1280, 390].flatMap((width) => [
      { width, theme: 'light' },
      { width, theme: 'dark' },
    ])
  : [
      { width: 1280, theme: 'light' },
      { width: 390, theme: 'dark' },
    ];

/** Gives a page such a look, with nothing on its way: colours that move would be judged. */
export async function setLook(page: Page, { width, theme }: Look): Promise<void> {
  await page.setViewport({ width, height: 844 });
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: theme },
    { name: 'prefers-reduced-motion', value: 'reduce' },
  ]);
}

/** Where pictures are asked for. */
export async function takePicture(page: Page, name: string, { width, theme }: Look): Promise<void> {
  if (!PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  const file = `${name.replaceAll(/[^A-Za-z0-9]+/g, '-')}-${width}-${theme}`;
  await page.screenshot({ path: `${join(PICTURES, file)}.png`, fullPage: true });
}
