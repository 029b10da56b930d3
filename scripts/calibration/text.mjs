/** Reading the files of packages and cutting texts into documents, the same on every machine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const PARAGRAPH_END = /(?<=\n\n)/;
export const LINE_END = /(?<=\n)/;
export const SENTENCE_END = /(?<=[.!?] )/;

export function readText(path) {
  return readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
}

/** The sorted paths of the files at any depth below a folder whose path below it matches `pattern`. */
export function listFiles(folder, pattern) {
  if (!existsSync(folder)) throw new Error(`${folder} is missing: the package is not as it was.`);
  return readdirSync(folder, { recursive: true })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** `text` in documents of at most `size` characters that end where `boundary` matches; short ones are dropped. */
export function slices(text, size, boundary) {
  const documents = [''];
  for (const piece of text.split(boundary)) {
    if (documents.at(-1).length + piece.length > size) documents.push('');
    documents[documents.length - 1] += piece;
  }
  return documents.map((document) => document.trim()).filter((document) => document.length > size / 2);
}

/** Puts each paragraph on one line, unless its further lines are indented: verses, tables. */
export function unwrap(text) {
  const paragraphs = text.split(/\n\s*\n/).map((paragraph) => {
    const lines = paragraph.split('\n');
    return lines.slice(1).some((line) => line.startsWith('  '))
      ? paragraph
      : lines.map((line) => line.trim()).join(' ');
  });
  return paragraphs.filter((paragraph) => paragraph.trim()).join('\n\n');
}
