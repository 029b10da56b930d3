import type { TokenEncoder } from '../../tokenizer/tokenizer.ts';
import { InputError } from '../../util/errors.ts';
import { seededRandom } from '../../util/random.ts';
import { type CalibrationRows, tooFewTokens } from '../rows.ts';
import type { CalibrationMix, MixDocument } from './mix-file.ts';
import {
  BLOCK_TOKENS,
  type CalibrationKind,
  type Category,
  MAX_ROW_TOKENS,
  MIX_PARTS,
  type MixChoice,
  type MixPart,
  planRows,
} from './mix-plan.ts';

export interface MixOptions extends MixChoice {
  readonly mix: CalibrationMix;
  readonly tokenizer: TokenEncoder;
  readonly kind: CalibrationKind;
  /** Rows of the quick preset; the standard one has its own number and ignores this, as ExLlamaV2 does. */
  readonly rows: number;
  /** Tokens in a row; at most {@link MAX_ROW_TOKENS} are taken. */
  readonly length: number;
  /** Decides the order of the documents, the shuffled blocks and the random tokens. */
  readonly seed: number;
}

/** What a part's rows are made from. */
interface Ingredients {
  readonly tokenizer: TokenEncoder;
  readonly documents: (category: Category) => readonly string[];
  readonly random: () => number;
  readonly length: number;
}

/** The built-in calibration rows, part by part; the same for the same options on every machine. */
export async function buildCalibration(options: MixOptions): Promise<CalibrationRows> {
  const { mix, tokenizer, kind, seed } = options;
  const length = Math.min(MAX_ROW_TOKENS, options.length);
  const plan = planRows(options, kind, options.rows);
  const rows: number[][] = [];
  const sources: string[] = [];
  for (const [index, part] of MIX_PARTS.entries()) {
    const ingredients: Ingredients = {
      tokenizer,
      documents: (category) => varied(mix.categories[category], seededRandom(seed)).map(({ text }) => text),
      random: seededRandom(seed + index + 1),
      length,
    };
    const made = await makeRows(part, plan.get(part.name)!, ingredients);
    rows.push(...made);
    sources.push(...made.map(() => part.name));
  }
  return { rows: rows.length, length, ids: Int32Array.from(rows.flat()), sources };
}

async function makeRows(part: MixPart, count: number, ingredients: Ingredients): Promise<number[][]> {
  if (count === 0) return [];
  const { tokenizer, random, length } = ingredients;
  switch (part.how) {
    case 'packed':
      return packedRows(part, count, ingredients);
    case 'documents':
      return documentRows(part, count, ingredients);
    case 'shuffled':
      return shuffledRows(part, count, ingredients);
    case 'random':
      return repeat(count, () => repeat(length, () => Math.floor(random() * tokenizer.vocabSize)));
  }
}

type TextPart = Exclude<MixPart, { how: 'random' }>;

async function packedRows(
  part: TextPart,
  count: number,
  { documents, tokenizer, length }: Ingredients,
): Promise<number[][]> {
  const tokens: number[] = [];
  for (const text of documents(part.category)) {
    if (tokens.length >= count * length) break;
    for (const id of await tokenizer.encode(`${text}\n\n`)) tokens.push(id);
  }
  if (tokens.length < count * length) {
    throw tooFewTokens(`The built-in text "${part.name}"`, tokens.length, { rows: count, length });
  }
  return repeat(count, (r) => tokens.slice(r * length, (r + 1) * length));
}

async function documentRows(
  part: TextPart,
  count: number,
  { documents, tokenizer, length }: Ingredients,
): Promise<number[][]> {
  const bos = tokenizer.bosId === undefined ? [] : [tokenizer.bosId];
  const eos = tokenizer.eosIds.slice(0, 1);
  const texts = documents(part.category)[Symbol.iterator]();
  const rows: number[][] = [];
  for (let r = 0; r < count; r++) {
    const row: number[] = [];
    while (row.length < length + bos.length) {
      const { value: text, done } = texts.next();
      if (done) {
        throw new InputError(
          `The built-in text "${part.name}" ends after ${r} of ${count} rows of ${length} tokens; ask for shorter or fewer rows.`,
        );
      }
      row.push(...bos, ...(await tokenizer.encode(text)), ...eos);
    }
    const start = r < Math.floor(count / 2) ? bos.length : 0;
    rows.push(row.slice(start, start + length));
  }
  return rows;
}

async function shuffledRows(
  part: TextPart,
  count: number,
  { documents, tokenizer, random, length }: Ingredients,
): Promise<number[][]> {
  const tokens: number[] = [];
  for (const text of documents(part.category)) for (const id of await tokenizer.encode(text)) tokens.push(id);
  const blocks = Math.floor(tokens.length / BLOCK_TOKENS);
  if (blocks === 0)
    throw tooFewTokens(`The built-in text "${part.name}"`, tokens.length, { rows: count, length });
  const block = (): number[] => {
    const start = Math.floor(random() * blocks) * BLOCK_TOKENS;
    return tokens.slice(start, start + BLOCK_TOKENS);
  };
  return repeat(count, () =>
    repeat(Math.ceil(length / BLOCK_TOKENS), block)
      .flat()
      .slice(0, length),
  );
}

/** In random order, in which every run of documents has of each source about what it has of all. */
function varied(documents: readonly MixDocument[], random: () => number): MixDocument[] {
  const sources = [...new Set(documents.map(({ source }) => source))];
  const placed = sources.flatMap((source) => {
    const group = documents.filter((document) => document.source === source);
    return shuffled(group, random).map((document, i) => ({ document, place: (i + random()) / group.length }));
  });
  return placed.sort((a, b) => a.place - b.place).map(({ document }) => document);
}

/** A copy in random order (Fisher–Yates). */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const copy = [...items];
  for (let last = copy.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [copy[last], copy[other]] = [copy[other]!, copy[last]!];
  }
  return copy;
}

const repeat = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
