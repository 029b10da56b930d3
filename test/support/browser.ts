import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import puppeteer, { type Browser, type BrowserContext, type Page } from 'puppeteer';
import { build, preview } from 'vite';
import { ensureBrowser } from '../../scripts/adapter.mjs';
import { PATIENCE_MS } from './patience.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** No GPU is needed: Chromium computes in software. Nothing is asked of the network. */
const FLAGS = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--disable-gpu-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-sync',
  '--no-first-run',
];

export function launchBrowser(): Promise<Browser> {
  ensureBrowser();
  return puppeteer.launch({
    headless: true,
    args: FLAGS,
    executablePath: process.env['PUPPETEER_EXECUTABLE_PATH']!,
    timeout: PATIENCE_MS,
    protocolTimeout: PATIENCE_MS,
  });
}

/** A page that waits for what must come as long as tests do. */
export async function openPage(owner: Browser | BrowserContext): Promise<Page> {
  const page = await owner.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  return page;
}

export interface ServedPage {
  /** Address of the page. */
  readonly url: string;
  close(): Promise<void>;
}

/** Builds the page whose HTML is at `input` in the repository, and serves it on a port of its own. */
export async function servePage(input: string): Promise<ServedPage> {
  const outDir = mkdtempSync(join(tmpdir(), 'exl2-page-'));
  await build({
    root,
    logLevel: 'warn',
    build: { outDir, emptyOutDir: true, rollupOptions: { input: join(root, input) } },
  });
  const server = await preview({
    root,
    logLevel: 'warn',
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0, open: false },
  });
  const address = server.httpServer.address();
  if (typeof address !== 'object' || !address) throw new Error('The preview server has no address');
  return {
    url: `http://127.0.0.1:${address.port}/${input}`,
    async close() {
      await server.close();
      rmSync(outDir, { recursive: true });
    },
  };
}
