import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import puppeteer, { type Browser, type BrowserContext, type Page } from 'puppeteer';
import { build, preview } from 'vite';
import { ensureBrowser, ensureFirefox } from '../../scripts/adapter.mjs';
import { tellServiceWorker } from '../../scripts/site/offline.ts';
import { PATIENCE_MS } from './patience.ts';
import { tinyModel } from './tiny-model.ts';

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

interface LaunchOptions {
  /** The folder that downloads go to. */
  readonly downloads?: string;
  /** That of the profile; without it a new one. */
  readonly profile?: string;
}

export function launchBrowser({ downloads, profile }: LaunchOptions = {}): Promise<Browser> {
  ensureBrowser();
  return puppeteer.launch({
    ...(profile && { userDataDir: profile }),
    ...(downloads && { downloadBehavior: { policy: 'allow', downloadPath: downloads } }),
    headless: true,
    args: FLAGS,
    executablePath: process.env['PUPPETEER_EXECUTABLE_PATH']!,
    timeout: PATIENCE_MS,
    protocolTimeout: PATIENCE_MS,
  });
}

/** Firefox with WebGPU, which it does not offer on Linux by itself, on whatever adapter Vulkan has. */
export function launchFirefox({ downloads }: LaunchOptions = {}): Promise<Browser> {
  return puppeteer.launch({
    browser: 'firefox',
    headless: true,
    executablePath: ensureFirefox(),
    extraPrefsFirefox: {
      'dom.webgpu.enabled': true,
      'gfx.webgpu.force-enabled': true,
      'gfx.webgpu.ignore-blocklist': true,
      ...(downloads && { 'browser.download.folderList': 2, 'browser.download.dir': downloads }),
    },
    // Its sandbox keeps the software adapter from its memory.
    env: { ...process.env, MOZ_DISABLE_CONTENT_SANDBOX: '1' },
    timeout: PATIENCE_MS,
    protocolTimeout: PATIENCE_MS,
  });
}

/** A page that waits for what must come as long as tests do. */
export async function openStrictPage(owner: Browser | BrowserContext): Promise<Page> {
  const page = await owner.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  return page;
}

/** Such a page without its content security policy: puppeteer compiles what it waits for, and tests add scripts. */
export async function openPage(owner: Browser | BrowserContext): Promise<Page> {
  const page = await openStrictPage(owner);
  await page.setBypassCSP(true);
  return page;
}

export interface ServedPage {
  /** Address of the page. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Builds the page whose HTML is at `input` in the repository, into a folder that is returned.
 * @param define what stands for names in the code, beside what vite.config.ts says
 */
export async function buildPage(input: string, define: Record<string, string> = {}): Promise<string> {
  const outDir = mkdtempSync(join(tmpdir(), 'exl2-page-'));
  await build({
    root,
    logLevel: 'warn',
    define,
    build: { outDir, emptyOutDir: true, rollupOptions: { input: join(root, input) } },
  });
  return outDir;
}

/** Builds the page with a model as its demo that is converted in seconds; returns the folder. */
export async function buildWithTinyDemo(): Promise<string> {
  const files = [...tinyModel()];
  const demo = { name: 'tiny', files: files.map(([path, data]) => ({ path, size: data.length })) };
  const built = await buildPage('index.html', { __DEMO_MODEL__: JSON.stringify(demo) });
  rmSync(join(built, 'models'), { recursive: true });
  mkdirSync(join(built, 'models/tiny'), { recursive: true });
  for (const [path, data] of files) writeFileSync(join(built, 'models/tiny', path), data);
  tellServiceWorker(built);
  return built;
}

/** Builds a page and serves it as `npm start` does, on a port of its own. */
export async function servePage(input: string): Promise<ServedPage> {
  const outDir = await buildPage(input);
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
