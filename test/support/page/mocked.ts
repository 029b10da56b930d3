/** The page with a coordinator that plays conversions, in a browser. */

import type { Page } from 'puppeteer';
import { expect } from 'vitest';
import { launchBrowser, openPage, servePage } from '../browser.ts';

export interface Mocked {
  readonly url: string;
  /** Opens a page in a browser profile of its own; errors that nobody has caught fail the test. */
  withPage<T>(use: (page: Page) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function openMocked(): Promise<Mocked> {
  const [browser, site] = await Promise.all([launchBrowser(), servePage('test/support/page/index.html')]);
  return {
    url: site.url,
    async withPage(use) {
      const context = await browser.createBrowserContext();
      const page = await openPage(context);
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(String(error)));
      try {
        const result = await use(page);
        expect(errors).toEqual([]);
        return result;
      } finally {
        await context.close();
      }
    },
    async close() {
      await browser.close();
      await site.close();
    },
  };
}
