/** The page as it is served, driven from outside: what a person's hands and folders do to it. */

import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Browser, Page } from 'puppeteer';
import { launchBrowser, openPage, type ServedPage, servePage } from '../browser.ts';
import { onDisk, tinyModel } from '../tiny-model.ts';
import { waitForText } from './screens.ts';

export interface Served {
  readonly browser: Browser;
  readonly site: ServedPage;
  /**
   * Opens the page in a browser profile of its own; `prepare` is done before it loads. Gives the errors that nobody
   * has caught.
   */
  withPage(use: (page: Page) => Promise<void>, prepare?: (page: Page) => Promise<void>): Promise<string[]>;
  /** The tiny model as a real folder, changed as asked. */
  modelFolder(name: string, change?: (files: Map<string, Buffer>) => void): string;
  close(): Promise<void>;
}

export async function serve(): Promise<Served> {
  const [browser, site] = await Promise.all([launchBrowser(), servePage('index.html')]);
  const folders: string[] = [];
  return {
    browser,
    site,
    async withPage(use, prepare) {
      const context = await browser.createBrowserContext();
      const page = await openPage(context);
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(String(error)));
      // A running job asks before the page is left.
      page.on('dialog', (dialog) => void dialog.accept());
      try {
        await prepare?.(page);
        await page.goto(site.url);
        await waitForText(page, 'None yet');
        await use(page);
        return errors;
      } finally {
        await context.close();
      }
    },
    modelFolder(name, change) {
      const files = tinyModel();
      change?.(files);
      const folder = onDisk(files, name);
      folders.push(folder);
      return folder;
    },
    async close() {
      await browser.close();
      await site.close();
      for (const folder of folders) rmSync(dirname(folder), { recursive: true });
    },
  };
}

/** The files of a folder in the browser's storage, by name. */
export async function storedFiles(page: Page, path: string): Promise<Map<string, Buffer>> {
  const contents = await page.evaluate(async (segments) => {
    let folder = await navigator.storage.getDirectory();
    for (const segment of segments) folder = await folder.getDirectoryHandle(segment);
    const files: Record<string, string> = {};
    for await (const [name, handle] of folder.entries()) {
      const file = await (handle as FileSystemFileHandle).getFile();
      const bytes = new Uint8Array(await file.arrayBuffer());
      files[name] = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
    }
    return files;
  }, path.split('/'));
  return new Map(Object.entries(contents).map(([name, data]) => [name, Buffer.from(data, 'base64')]));
}

/** Names of what lies in a folder of the browser's storage. */
export const storedFolders = (page: Page, path: string): Promise<string[]> =>
  page.evaluate(async (name) => {
    const root = await navigator.storage.getDirectory();
    const names: string[] = [];
    for await (const each of (await root.getDirectoryHandle(name)).keys()) names.push(each);
    return names;
  }, path);

/** SHA-256 of each file but the report, which tells of times. */
export const digests = (files: ReadonlyMap<string, Buffer>): Record<string, string> =>
  Object.fromEntries(
    [...files]
      .filter(([name]) => name !== 'report.html')
      .map(([name, data]): [string, string] => [name, createHash('sha256').update(data).digest('hex')])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
