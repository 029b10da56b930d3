import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const outDir = mkdtempSync(join(tmpdir(), 'served-page-'));
let server: PreviewServer;
let address: string;

/** As `npm start` serves the built page. */
beforeAll(async () => {
  mkdirSync(join(outDir, 'models'));
  for (const path of ['index.html', 'models/a.json']) writeFileSync(join(outDir, path), '<p>here</p>');
  server = await preview({
    ...{ root, logLevel: 'error', build: { outDir } },
    preview: { host: '127.0.0.1', port: 0, open: false },
  });
  address = server.resolvedUrls!.local[0]!;
});
afterAll(async () => {
  await server.close();
  rmSync(outDir, { recursive: true });
});

test('files come with the content security policy', async () => {
  for (const path of ['.', 'models/a.json']) {
    const { headers } = await fetch(new URL(path, address));
    expect(headers.get('content-security-policy'), path).toMatch(
      /^default-src 'self'; script-src 'self' 'wasm-unsafe-eval';.*frame-ancestors 'none'$/,
    );
  }
});

const statusOf = async (path: string, accept = '*/*'): Promise<number> =>
  (await fetch(new URL(path, address), { headers: { accept } })).status;

test.each(['.', 'index.html', 'models/a.json', 'models/a.json?x=1'])('%s is served', async (path) => {
  expect(await statusOf(path)).toBe(200);
});

test.each(['none', 'none.html', 'none/', 'models/', 'models/none.json', 'models/a.json/b', '.git/config'])(
  '%s, which is not there, is not found, whatever is asked for',
  async (path) => {
    for (const accept of ['*/*', 'text/html,application/xhtml+xml']) {
      expect(await statusOf(path, accept), accept).toBe(404);
    }
  },
);
