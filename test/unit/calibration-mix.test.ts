import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildCalibration, type MixOptions } from '../../src/calibrate/mix/mix.ts';
import { type CalibrationMix, readMix } from '../../src/calibrate/mix/mix-file.ts';
import {
  CATEGORIES,
  type CalibrationKind,
  type CalibrationText,
  type Category,
  QUICK_ORDER,
  STANDARD_ROWS,
} from '../../src/calibrate/mix/mix-plan.ts';
import type { CalibrationRows } from '../../src/calibrate/rows.ts';
import { fileSource } from '../../src/io/platform/file-source.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { loadTokenizer, type Tokenizer } from '../../src/tokenizer/tokenizer.ts';

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const bytes = readFileSync(path('data/calibration.bin'));
const read = (content: Uint8Array<ArrayBuffer>): Promise<CalibrationMix> =>
  readMix(fileSource(new Blob([content]), 'calibration.bin'), 'Get it again.');

let mix: CalibrationMix;
let tokenizer: Tokenizer;
beforeAll(async () => {
  mix = await read(bytes);
  tokenizer = await loadTokenizer(nodeDirectory(path('public/models/tinystories-7m')));
});

describe('the text corpus', () => {
  test('is no more than the page can carry', () => {
    expect(bytes.length).toBeLessThan(1.8e6);
  });

  test('that is damaged or of another version is refused, with what to do', async () => {
    const damaged = Uint8Array.from(bytes);
    damaged[bytes.length >> 1]! ^= 1;
    await expect(read(damaged)).rejects.toThrow(
      /^calibration\.bin is not this version's .* is [0-9a-f]{64}, expected [0-9a-f]{64}\. Get it again\.$/,
    );
    await expect(read(damaged.subarray(0, 0))).rejects.toThrow(/not this version's/);
  });

  test('has other text held out of each category', () => {
    const size = (documents: readonly { text: string }[]): number =>
      documents.reduce((sum, document) => sum + document.text.length, 0);
    expect(Object.keys(mix.categories).sort()).toEqual([...CATEGORIES].sort());
    for (const category of CATEGORIES) {
      expect(mix.heldOut.some((document) => document.category === category)).toBe(true);
    }
    expect(size(mix.heldOut)).toBeGreaterThan(60e3);
    // Held-out documents are shortened: equality would not tell.
    const used = CATEGORIES.flatMap((category) => mix.categories[category].map((d) => d.text)).join('\0');
    expect(mix.heldOut.filter(({ text }) => used.includes(text))).toEqual([]);
  });

  test('has enough text for all rows of a tokenizer with a large vocabulary', async () => {
    // 5.5 characters a token, in every kind of text.
    const wide: Tokenizer = {
      ...tokenizer,
      encode: (text) => new Array<number>(Math.ceil(text.length / 5.5)).fill(7),
    };
    for (const kind of ['measurement', 'quantization'] as const) {
      await expect(build({ kind, tokenizer: wide, length: 2048 })).resolves.toMatchObject({ length: 2048 });
    }
  });

  test('names the source of every document, and docs/calibration-sources.md lists each', () => {
    const documents = [...Object.values(mix.categories).flat(), ...mix.heldOut];
    const named = new Set(mix.sources.map(({ name }) => name));
    expect(new Set(documents.map(({ source }) => source))).toEqual(named);
    const rows = readFileSync(path('docs/calibration-sources.md'), 'utf8').split('\n');
    for (const { name, package: from, version, licence, notice } of mix.sources) {
      const row = rows.find((line) => line.startsWith(`| \`${name}\` | `));
      expect(row, name).toContain(
        from ? `| ${version} in \`${from}\` | ${licence} |` : `| ${version} | ${licence} |`,
      );
      const free = /^(CC0-1\.0 AND PDDL-1\.0|LicenseRef-Public-Domain)$/.test(licence);
      if (!free) expect(notice, name).toMatch(/permission|redistribution|licen[cs]e/i);
    }
  });
});

const rowsOf = ({ rows, length, ids }: CalibrationRows): number[][] =>
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
    text: 'mix',
    preset: 'standard',
    rows: 7,
    length: 4096,
    seed: 1,
    ...options,
  });

describe('the standard mix', () => {
  test('has as many rows as ExLlamaV2’s, whatever count is asked for', async () => {
    const measurement = await build({ kind: 'measurement' });
    expect([measurement.rows, measurement.length, measurement.ids.length]).toEqual([19, 2048, 19 * 2048]);
    const quantization = await build();
    expect([quantization.rows, quantization.length, quantization.ids.length]).toEqual([
      115,
      2048,
      115 * 2048,
    ]);
    expect(quantization.ids.every((id) => id >= 0 && id < tokenizer.vocabSize)).toBe(true);
    expect(counts(measurement.sources)).toEqual(STANDARD_ROWS.mix.measurement);
    expect(counts(quantization.sources)).toEqual(STANDARD_ROWS.mix.quantization);
  });

  test('is made of whole texts: BOS and EOS around articles and stories, in half of the rows from the start', async () => {
    const rows = rowsOf(await build({ length: 2048 }));
    const articles = rows.slice(17, 45);
    expect(articles.map((row) => row[0] === 1)).toEqual([...Array(14).fill(false), ...Array(14).fill(true)]);
    for (const row of articles) {
      const ends = row.flatMap((id, i) => (id === 2 && i < row.length - 1 ? [row[i + 1]] : []));
      expect(ends.every((next) => next === 1)).toBe(true);
    }
    expect(articles.flat()).toContain(2);
    expect(new Set([...rows.slice(0, 17).flat(), ...rows.slice(45, 59).flat()]).has(1)).toBe(false);
    const article = tokenizer.decode(articles[0]!).slice(0, 200);
    expect(mix.categories.articles.some((document) => document.text.startsWith(article))).toBe(true);
  });

  test('shuffles multilingual text in blocks and draws random ids from the whole vocabulary', async () => {
    const { ids, sources, length } = await build({ length: 300 });
    const row = (part: string): Int32Array =>
      ids.subarray(sources.indexOf(part) * length, (sources.indexOf(part) + 1) * length);
    const all = mix.categories.multilingual.map((document) => tokenizer.encode(document.text));
    // Half of a block is from one document: the block can begin in one and end in the next.
    const halves = [row('shuffled').slice(0, 64), row('shuffled').slice(64, 128)].map(
      (ids) => `,${ids.join()},`,
    );
    const texts = all.map((tokens) => `,${tokens.join()},`);
    expect(halves.some((half) => texts.some((text) => text.includes(half)))).toBe(true);
    const random = [...row('random')].sort((a, b) => a - b);
    expect(random[75]).toBeGreaterThan(600);
    expect(random[225]).toBeLessThan(3500);
    expect(random[225]).toBeGreaterThan(2600);
  });
});

describe('the quick mix', () => {
  const quick = (options: Partial<MixOptions>) => build({ preset: 'quick', length: 128, ...options });

  test('takes its rows in turn from the parts', async () => {
    const measurement = await quick({ kind: 'measurement', rows: 4 });
    expect(measurement.sources).toEqual(['articles', 'code', 'stories', 'multilingual']);
    expect(measurement.ids).toHaveLength(4 * 128);
    const quantization = await quick({ rows: 8 });
    expect(counts(quantization.sources)).toEqual({
      prose: 1,
      articles: 2,
      code: 1,
      stories: 1,
      dialogue: 1,
      multilingual: 1,
      technical: 1,
    });
    expect((await quick({ rows: 20 })).rows).toBe(20);
  });

  test('is decided by the seed', async () => {
    const rows = await quick({ rows: 8 });
    expect(await quick({ rows: 8 })).toEqual(rows);
    expect((await quick({ rows: 8, seed: 2 })).ids).not.toEqual(rows.ids);
  });

  test('does without BOS and EOS where the model has none', async () => {
    const rows = await quick({ rows: 8, tokenizer: { ...tokenizer, bosId: undefined, eosIds: [] } });
    expect(rows.ids.some((id) => id === 1 || id === 2)).toBe(false);
  });

  test('says so when the text does not suffice', async () => {
    const short = (category: Category): CalibrationMix => ({
      ...mix,
      categories: { ...mix.categories, [category]: [{ text: 'too short', source: 'x' }] },
    });
    await expect(quick({ mix: short('code'), rows: 8 })).rejects.toThrow(
      /"code" has \d+ tokens, but 1 rows × 128/,
    );
    await expect(quick({ mix: short('stories'), rows: 8 })).rejects.toThrow(
      /"stories" ends after 0 of 1 rows/,
    );
    await expect(build({ mix: short('multilingual'), length: 8 })).rejects.toThrow(/"multilingual"/);
  });
});

describe('the text of the bundled model', () => {
  const stories = (options: Partial<MixOptions>) => build({ text: 'stories', ...options });
  const isStory = (name: string): boolean => name === 'tales' || name === 'stories';

  test.each<[CalibrationText, CalibrationKind]>([
    ['stories', 'measurement'],
    ['stories', 'quantization'],
  ])('is %s alone in the standard %s', async (text, kind) => {
    const { sources, rows } = await build({ text, kind });
    expect(counts(sources)).toEqual(STANDARD_ROWS.stories[kind]);
    expect(sources.every(isStory)).toBe(true);
    expect(rows).toBe(sources.length);
  });

  test('is stories alone in the quick rows, most of them simple ones, each of another document', async () => {
    const { sources, ids, length } = await stories({ preset: 'quick', rows: 24, length: 128 });
    expect(counts(sources)).toEqual({ stories: 6, tales: 18 });
    expect(QUICK_ORDER.stories.every(isStory)).toBe(true);
    const starts = sources.map((_, r) => ids.slice(r * length, r * length + 40).join());
    expect(new Set(starts).size).toBe(24);
  });
});

test('every run of a category’s documents has of each source what it has of all', async () => {
  const documents = ['a', 'b'].flatMap((source) =>
    Array.from({ length: source === 'a' ? 30 : 10 }, (_, i) => ({
      text: `${source}${i} `.repeat(20),
      source,
    })),
  );
  const even = { ...mix, categories: { ...mix.categories, prose: documents } };
  const { ids, sources } = await build({ mix: even, preset: 'quick', rows: 8, length: 600 });
  const row = sources.indexOf('prose');
  const text = tokenizer.decode([...ids.slice(row * 600, (row + 1) * 600)]);
  expect(text).toMatch(/a\d/);
  expect(text).toMatch(/b\d/);
});
