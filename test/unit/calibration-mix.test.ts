import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildCalibration, type MixOptions } from '../../src/calibration/mix.ts';
import { type CalibrationMix, parseMix } from '../../src/calibration/mix-file.ts';
import { CATEGORIES, type Category } from '../../src/calibration/mix-plan.ts';
import { nodeDirectory } from '../../src/io/platform/node-directory.ts';
import { loadTokenizer, type Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { InputError } from '../../src/util/errors.ts';

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'calibration-'));
afterAll(() => rmSync(folder, { recursive: true }));

function buildText(name: string): string {
  const file = join(folder, name);
  execFileSync(process.execPath, [path('scripts/build-calibration.mjs'), file]);
  return readFileSync(file, 'utf8');
}

let text: string;
let mix: CalibrationMix;
let tokenizer: Tokenizer;
beforeAll(async () => {
  text = buildText('mix.json');
  mix = parseMix(JSON.parse(text), 'mix.json');
  tokenizer = await loadTokenizer(nodeDirectory(path('public/models/tinystories-7m')));
});

describe('the text corpus', () => {
  test('comes out the same every time', () => {
    expect(buildText('again.json')).toBe(text);
  });

  test('has more than enough text in every category, and other text held out of each', () => {
    const size = (documents: readonly { text: string }[]): number =>
      documents.reduce((sum, document) => sum + document.text.length, 0);
    for (const category of CATEGORIES) {
      expect(size(mix.categories[category]), category).toBeGreaterThan(200e3);
      expect(mix.heldOut.some((document) => document.category === category)).toBe(true);
    }
    expect(size(mix.heldOut)).toBeGreaterThan(60e3);
    const used = new Set(CATEGORIES.flatMap((category) => mix.categories[category].map((d) => d.text)));
    expect(mix.heldOut.filter((document) => used.has(document.text))).toEqual([]);
  });

  test('names the source of every document, and docs/calibration-sources.md lists each', () => {
    const documents = [...Object.values(mix.categories).flat(), ...mix.heldOut];
    const named = new Set(mix.sources.map(({ name }) => name));
    expect(new Set(documents.map(({ source }) => source))).toEqual(named);
    const rows = readFileSync(path('docs/calibration-sources.md'), 'utf8').split('\n');
    for (const { name, version, licence, notice } of mix.sources) {
      const row = rows.find((line) => line.startsWith(`| \`${name}\` | ${version} `));
      expect(row, name).toContain(`| ${licence} |`);
      if (/MIT|BSD|Apache/.test(licence)) expect(notice).toMatch(/permission|redistribution|license/i);
    }
  });

  test('of another version is refused', () => {
    expect(() => parseMix({ sources: [], heldOut: [], categories: { prose: [] } }, 'old.json')).toThrow(
      /old\.json .*npm run build:calibration/,
    );
    expect(() => parseMix([], 'old.json')).toThrow(InputError);
  });
});

const rowsOf = ({ rows, length, ids }: ReturnType<typeof buildCalibration>): number[][] =>
  Array.from({ length: rows }, (_, r) => [...ids.subarray(r * length, (r + 1) * length)]);

function counts(sources: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of sources) found[name] = (found[name] ?? 0) + 1;
  return found;
}

const build = (options: Partial<MixOptions> = {}) =>
  buildCalibration({
    mix,
    tokenizer,
    kind: 'quantization',
    preset: 'standard',
    rows: 7,
    length: 4096,
    seed: 1,
    ...options,
  });

describe('the standard mix', () => {
  test('has the rows of ExLlamaV2’s, whatever count is asked for', () => {
    const measurement = build({ kind: 'measurement' });
    expect([measurement.rows, measurement.length, measurement.ids.length]).toEqual([19, 2048, 19 * 2048]);
    const quantization = build();
    expect([quantization.rows, quantization.length, quantization.ids.length]).toEqual([
      115,
      2048,
      115 * 2048,
    ]);
    expect(quantization.ids.every((id) => id >= 0 && id < tokenizer.vocabSize)).toBe(true);
    expect(Object.values(counts(measurement.sources))).toEqual([2, 4, 3, 2, 3, 1, 2, 2]);
    expect(Object.values(counts(quantization.sources))).toEqual([10, 48, 15, 10, 15, 5, 2, 10]);
  });

  test('is made of whole texts: BOS and EOS around articles and stories, in half of the rows from the start', () => {
    const rows = rowsOf(build({ length: 2048 }));
    const articles = rows.slice(10, 58);
    expect(articles.map((row) => row[0] === 1)).toEqual([...Array(24).fill(false), ...Array(24).fill(true)]);
    for (const row of articles) {
      const ends = row.flatMap((id, i) => (id === 2 && i < row.length - 1 ? [row[i + 1]] : []));
      expect(ends.every((next) => next === 1)).toBe(true);
    }
    expect(articles.flat()).toContain(2);
    expect(new Set([...rows.slice(0, 10).flat(), ...rows.slice(58, 73).flat()]).has(1)).toBe(false);
    const article = tokenizer.decode(articles[0]!).slice(0, 200);
    expect(mix.categories.articles.some((document) => document.text.startsWith(article))).toBe(true);
  });

  test('shuffles multilingual text in blocks and draws random ids from the whole vocabulary', () => {
    const { ids, sources, length } = build({ length: 300 });
    const row = (part: string): Int32Array =>
      ids.subarray(sources.indexOf(part) * length, (sources.indexOf(part) + 1) * length);
    const all = mix.categories.multilingual.map((document) => tokenizer.encode(document.text));
    const block = row('shuffled').slice(0, 100).join();
    expect(all.some((tokens) => `,${tokens.join()},`.includes(`,${block},`))).toBe(true);
    const random = [...row('random')].sort((a, b) => a - b);
    expect(random[75]).toBeGreaterThan(600);
    expect(random[225]).toBeLessThan(3500);
    expect(random[225]).toBeGreaterThan(2600);
  });
});

describe('the quick mix', () => {
  const quick = (options: Partial<MixOptions>) => build({ preset: 'quick', length: 128, ...options });

  test('takes its rows in turn from the parts', () => {
    const measurement = quick({ kind: 'measurement', rows: 4 });
    expect(measurement.sources).toEqual(['articles', 'code', 'stories', 'multilingual']);
    expect(measurement.ids).toHaveLength(4 * 128);
    const quantization = quick({ rows: 8 });
    expect(counts(quantization.sources)).toEqual({
      prose: 1,
      articles: 2,
      code: 1,
      stories: 2,
      multilingual: 1,
      technical: 1,
    });
    expect(quick({ rows: 20 }).rows).toBe(20);
  });

  test('is decided by the seed', () => {
    expect(quick({ rows: 8 })).toEqual(quick({ rows: 8 }));
    expect(quick({ rows: 8, seed: 2 }).ids).not.toEqual(quick({ rows: 8 }).ids);
  });

  test('does without BOS and EOS where the model has none', () => {
    const rows = quick({ rows: 8, tokenizer: { ...tokenizer, bosId: undefined, eosIds: [] } });
    expect(rows.ids.some((id) => id === 1 || id === 2)).toBe(false);
  });

  test('says so when the text does not suffice', () => {
    const short = (category: Category): CalibrationMix => ({
      ...mix,
      categories: { ...mix.categories, [category]: [{ text: 'too short', source: 'x' }] },
    });
    expect(() => quick({ mix: short('code'), rows: 8 })).toThrow(/"code" has \d+ tokens, but 1 rows × 128/);
    expect(() => quick({ mix: short('stories'), rows: 8 })).toThrow(/"stories" ends after 0 of 2 rows/);
    expect(() => build({ mix: short('multilingual'), length: 8 })).toThrow(/"multilingual"/);
  });
});
