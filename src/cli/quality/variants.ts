import { InputError } from '../../util/errors.ts';

/** One way to convert, beside others. */
export interface Variant {
  readonly name: string;
  /** Options of `npm run convert`. */
  readonly args: readonly string[];
  /** Name of the folder of its outputs. */
  readonly folder: string;
}

/** Of a variant without name and options. */
const PLAIN = 'as given';
/** What file systems and terminals take. */
const FOLDER_LENGTH = 80;

/**
 * The values of `--with`: words that name the variant, then its options, such as `plain --quantizer exllamav2`. Without
 * a name the options are it. No values are one variant without options.
 * @throws InputError for names that cannot be told apart, and for a quote that is not closed.
 */
export function parseVariants(texts: readonly string[]): Variant[] {
  const variants = (texts.length > 0 ? texts : ['']).map(parseVariant);
  for (const [index, { name, folder }] of variants.entries()) {
    if (folder === '')
      throw new InputError(`--with "${texts[index]}": the name "${name}" has no letter or digit.`);
    const other = variants
      .slice(0, index)
      .find((earlier) => earlier.folder.toLowerCase() === folder.toLowerCase());
    if (other === undefined) continue;
    const names =
      other.name === name
        ? `Two variants are named "${name}"`
        : `"${other.name}" and "${name}" are too alike`;
    throw new InputError(
      `${names}: begin each --with by a name of its own, as in --with "${folder}-2 ${variants[index]!.args.join(' ')}".`,
    );
  }
  return variants;
}

function parseVariant(text: string): Variant {
  const words = splitWords(text);
  const first = words.findIndex((word) => word.startsWith('-'));
  const args = first < 0 ? [] : words.slice(first);
  const name = words.slice(0, words.length - args.length).join(' ') || args.join(' ') || PLAIN;
  const folder = name
    .replace(/[^\p{L}\p{N}.]+/gu, (between) => (between === '-' ? '-' : '_'))
    .replace(/^[-_.]+|[-_.]+$/g, '');
  return { name, args, folder: folder.slice(0, FOLDER_LENGTH) };
}

/** Words between spaces; in quotes of either kind spaces belong to the word. */
function splitWords(text: string): string[] {
  const word = /(?:[^\s"']|"[^"]*"|'[^']*')+/g;
  if (text.replace(word, '').trim() !== '')
    throw new InputError(`--with "${text}": a quote in it is not closed.`);
  return (text.match(word) ?? []).map((found) => found.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}
