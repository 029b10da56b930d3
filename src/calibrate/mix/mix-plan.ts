import type { RowShape } from '../rows.ts';

export type CalibrationKind = 'measurement' | 'quantization';
export type CalibrationPreset = 'standard' | 'quick';

/** What built-in rows are made of: all kinds of text, or only what the bundled model can read, simple stories. */
export type CalibrationText = 'mix' | 'stories';

/** The kinds of text in the built-in mix. */
export const CATEGORIES = [
  'prose',
  'articles',
  'code',
  'stories',
  'tales',
  'dialogue',
  'multilingual',
  'technical',
] as const;
export type Category = (typeof CATEGORIES)[number];

/**
 * One part of the mix.
 * packed: documents one after the other, cut into rows.
 * documents: every row starts with a new document; each has BOS before and EOS after it; the first half of the
 * rows lose the BOS they start with.
 * shuffled: blocks of 128 tokens of the category, drawn at random.
 * random: uniformly random token ids.
 */
export type MixPart = { readonly name: string } & (
  | { readonly how: 'packed' | 'documents' | 'shuffled'; readonly category: Category }
  | { readonly how: 'random' }
);

/** The parts in the order of their rows. */
export const MIX_PARTS = [
  { name: 'prose', how: 'packed', category: 'prose' },
  { name: 'articles', how: 'documents', category: 'articles' },
  { name: 'code', how: 'packed', category: 'code' },
  { name: 'stories', how: 'documents', category: 'stories' },
  { name: 'tales', how: 'documents', category: 'tales' },
  { name: 'dialogue', how: 'packed', category: 'dialogue' },
  { name: 'multilingual', how: 'packed', category: 'multilingual' },
  { name: 'shuffled', how: 'shuffled', category: 'multilingual' },
  { name: 'random', how: 'random' },
  { name: 'technical', how: 'packed', category: 'technical' },
] as const satisfies readonly MixPart[];

export type PartName = (typeof MIX_PARTS)[number]['name'];

/** Tokens of a shuffled block. */
export const BLOCK_TOKENS = 128;

/** Rows are never longer than this, whatever length is asked for. */
export const MAX_ROW_TOKENS = 2048;

type PartRows = Readonly<Partial<Record<PartName, number>>>;

/** 19 rows to measure with and 115 to quantize with, as ExLlamaV2 has; of the bundled model's stories fewer. */
export const STANDARD_ROWS: Readonly<Record<CalibrationText, Readonly<Record<CalibrationKind, PartRows>>>> = {
  mix: {
    measurement: {
      prose: 3,
      articles: 4,
      code: 2,
      stories: 2,
      tales: 1,
      dialogue: 1,
      multilingual: 3,
      shuffled: 1,
      technical: 2,
    },
    quantization: {
      prose: 17,
      articles: 28,
      code: 14,
      stories: 18,
      tales: 2,
      dialogue: 6,
      multilingual: 17,
      shuffled: 3,
      random: 1,
      technical: 9,
    },
  },
  stories: {
    measurement: { stories: 3, tales: 3 },
    quantization: { stories: 20, tales: 10 },
  },
};

/**
 * Which part each row of the quick preset is from; more rows start again from the front. The first four
 * cover what most texts are like, the first eight (its measurement) every part that is text, save the simple stories.
 * Noise is left out: of so few rows it would be too many.
 */
export const QUICK_ORDER: Readonly<Record<CalibrationText, readonly PartName[]>> = {
  mix: ['articles', 'code', 'stories', 'multilingual', 'prose', 'technical', 'dialogue', 'articles'],
  stories: ['tales', 'tales', 'tales', 'stories'],
};

/** What the built-in text is asked for. */
export interface MixChoice {
  readonly text: CalibrationText;
  readonly preset: CalibrationPreset;
}

/** The rows that the mix gives when `shape` is asked for. */
export function mixShape(choice: MixChoice, kind: CalibrationKind, shape: RowShape): RowShape {
  const rows = [...planRows(choice, kind, shape.rows).values()].reduce((sum, count) => sum + count, 0);
  return { rows, length: Math.min(MAX_ROW_TOKENS, shape.length) };
}

/** Rows of each part. The standard preset has its own numbers; only the quick one heeds `rows`. */
export function planRows(
  { text, preset }: MixChoice,
  kind: CalibrationKind,
  rows: number,
): Map<PartName, number> {
  const standard = STANDARD_ROWS[text][kind];
  const plan = new Map<PartName, number>(
    MIX_PARTS.map(({ name }) => [name, preset === 'standard' ? (standard[name] ?? 0) : 0]),
  );
  if (preset === 'quick') {
    const order = QUICK_ORDER[text];
    for (let r = 0; r < rows; r++) {
      const name = order[r % order.length]!;
      plan.set(name, plan.get(name)! + 1);
    }
  }
  return plan;
}
