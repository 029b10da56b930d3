/** What is built, as files: what a visit loads at once, and what hosts, browsers and those who link to it read. */

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shareProperties } from '../../scripts/site/share-card.ts';
import { buildPage } from '../support/browser.ts';

const FIRST_LOAD_BYTES = 120_000;
/** Of the workers that the page starts at once. */
const WORKER_BYTES = { coordinator: 80_000, 'gpu-worker': 200_000 };

let built: string;
let html: string;

beforeAll(async () => {
  built = await buildPage('index.html');
  html = textOf('index.html');
});
afterAll(() => rmSync(built, { recursive: true }));

const textOf = (path: string): string => readFileSync(join(built, path), 'utf8');
const compressed = (path: string): number => gzipSync(readFileSync(join(built, path))).length;
/** The values of an attribute in all tags that start so. */
const attributes = (page: string, tag: string, attribute: string): string[] =>
  [...page.matchAll(new RegExp(`<${tag}[^>]*\\s${attribute}="([^"]*)"`, 'g'))].map(([, value]) => value!);
const property = (page: string, name: string): string | undefined =>
  attributes(page, `meta\\s+property="${name}"`, 'content')[0];
/** A script and what it imports at once. */
const withImports = (path: string): string[] => [
  path,
  ...[...textOf(path).matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g)].map(
    ([, name]) => `assets/${name}`,
  ),
];

test(`what the page loads at once is at most ${FIRST_LOAD_BYTES / 1000} kB, compressed`, () => {
  const scripts = attributes(html, 'script', 'src').map((path) => path.slice('./'.length));
  const linked = attributes(html, 'link', 'href').map((path) => path.slice('./'.length));
  const loaded = new Set(['index.html', ...scripts.flatMap(withImports), ...linked]);
  expect([...loaded].filter((path) => path.endsWith('.js')).length).toBeGreaterThan(0);
  expect([...loaded].filter((path) => path.endsWith('.css')).length).toBeGreaterThan(0);
  const sizes = Object.fromEntries([...loaded].map((path) => [path, compressed(path)]));
  const total = Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0);
  expect(total, JSON.stringify(sizes)).toBeLessThanOrEqual(FIRST_LOAD_BYTES);
});

test.each(Object.entries(WORKER_BYTES))('the worker %s is at most %i bytes, compressed', (name, most) => {
  const scripts = readdirSync(join(built, 'assets')).filter((path) => path.startsWith(`${name}-`));
  expect(scripts).toHaveLength(1);
  const total = withImports(`assets/${scripts[0]}`).reduce((sum, path) => sum + compressed(path), 0);
  expect(total).toBeLessThanOrEqual(most);
});

test('the decompressors of Parquet are in scripts of their own, one for each worker that reads it', () => {
  const scripts = readdirSync(join(built, 'assets')).filter((path) => path.endsWith('.js'));
  const compiling = scripts.filter((path) => textOf(`assets/${path}`).includes('WebAssembly.Module('));
  expect(compiling).toEqual([1, 2].map(() => expect.stringMatching(/^parquet-/)));
});

test('the policy allows nothing that is not the page’s own, and no text to be compiled', () => {
  const [policy] = attributes(html, 'meta\\s+http-equiv="content-security-policy"', 'content');
  const rules = policy!.replaceAll('&#39;', "'").split('; ');
  expect(rules).toContain("default-src 'self'");
  expect(rules).toContain("script-src 'self' 'wasm-unsafe-eval'");
  expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval|https?:|data:|blob:|\*/);
  expect(html).not.toMatch(/<style|<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=/);
});

test('the manifest’s address, start and icons are relative to the page, and its icons have the sizes that it says', () => {
  expect(attributes(html, 'link\\s+rel="manifest"', 'href')).toEqual(['./manifest.webmanifest']);
  const manifest = JSON.parse(textOf('manifest.webmanifest'));
  expect([manifest.start_url, manifest.scope]).toEqual(['./', './']);
  const pictures = manifest.icons.filter(({ type }: { type: string }) => type === 'image/png');
  expect(pictures.map(({ src }: { src: string }) => sizeOf(src))).toEqual(
    pictures.map(({ sizes }: { sizes: string }) => sizes),
  );
});

test('links to the page are shown with a picture that exists, relative or at the address that the build is told', () => {
  const size = () => `${property(html, 'og:image:width')}x${property(html, 'og:image:height')}`;
  expect(property(html, 'og:image')).toBe('./share-card.png');
  expect(property(html, 'og:url')).toBeUndefined();
  expect(sizeOf('share-card.png')).toBe(size());
  for (const name of ['title', 'description', 'image:alt'])
    expect(property(html, `og:${name}`)?.length, name).toBeGreaterThan(10);

  for (const site of ['https://example.org/exl2/', 'https://example.org/exl2']) {
    expect(shareProperties(site)).toMatchObject({
      'og:url': 'https://example.org/exl2/',
      'og:image': 'https://example.org/exl2/share-card.png',
    });
  }
  expect(() => shareProperties('example.org')).toThrow(/EXL2_SITE is "example\.org"/);
});

/** Width and height of a PNG, from its header. */
function sizeOf(path: string): string {
  const data = readFileSync(join(built, path));
  expect(data.toString('latin1', 1, 4)).toBe('PNG');
  return `${data.readUInt32BE(16)}x${data.readUInt32BE(20)}`;
}
