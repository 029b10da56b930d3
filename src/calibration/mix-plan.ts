import type { RowShape } from './rows.ts';

export type CalibrationKind = 'measurement' | 'quantization';
export type CalibrationPreset = 'standard' | 'quick';

/** The kinds of text in the built-in mix. */
export const CATEGORIES = ['prose', 'articles', 'code', 'stories', 'multilingual', 'technical'] as const;
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

/** ExLlamaV2's proportions: 19 rows to measure with and 115 to quantize with. */
export const STANDARD_ROWS: Readonly<Record<CalibrationKind, Readonly<Record<PartName, number>>>> = {
  measurement: {
    prose: 2,
    articles: 4,
    code: 3,
    stories: 2,
    multilingual: 3,
    shuffled: 1,
    random: 2,
    technical: 2,
  },
  quantization: {
    prose: 10,
    articles: 48,
    code: 15,
    stories: 10,
    multilingual: 15,
    shuffled: 5,
    random: 2,
    technical: 10,
  },
};

/**
 * Which part each row of the quick preset is from; more rows start again from the front. The first four (its
 * measurement) cover what most texts are like, the first eight (its quantization) every part that is text. Noise
 * is left out: of so few rows it would be too many.
 */
export const QUICK_ORDER: readonly PartName[] = [
  'articles',
  'code',
  'stories',
  'multilingual',
  'technical',
  'prose',
  'articles',
  'stories',
];

/** The rows that the mix gives when `shape` is asked for. */
export function mixShape(preset: CalibrationPreset, kind: CalibrationKind, shape: RowShape): RowShape {
  const rows = [...planRows(preset, kind, shape.rows).values()].reduce((sum, count) => sum + count, 0);
  return { rows, length: Math.min(MAX_ROW_TOKENS, shape.length) };
}

/** Rows of each part. The standard preset has its own numbers; only the quick one heeds `rows`. */
export function planRows(
  preset: CalibrationPreset,
  kind: CalibrationKind,
  rows: number,
): Map<PartName, number> {
  const plan = new Map<PartName, number>(
    MIX_PARTS.map(({ name }) => [name, preset === 'standard' ? STANDARD_ROWS[kind][name] : 0]),
  );
  if (preset === 'quick') {
    for (let r = 0; r < rows; r++) {
      const name = QUICK_ORDER[r % QUICK_ORDER.length]!;
      plan.set(name, plan.get(name)! + 1);
    }
  }
  return plan;
}
