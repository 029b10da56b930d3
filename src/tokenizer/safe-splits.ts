import { isJsonObject } from '../io/json/json.ts';

/** Words and lines start here; '▁' stands for a space in SentencePiece vocabularies. */
const SEPARATORS = ['▁', '\n'];

/**
 * `tokenizer` (the contents of tokenizer.json) with one more pre-tokenizer that cuts text before runs of spaces
 * and line ends, wherever that provably cannot change the result.
 *
 * SentencePiece-style BPE files (Llama 2, Mistral, Gemma) have no splitting pre-tokenizer, so that a whole text
 * is one word, and the time to merge a word grows faster than its length. A merge can only join characters that some
 * token of the vocabulary has side by side. Where no token has "x▁", cutting between x and ▁ changes nothing.
 * Byte-level files are cut into words by their own pattern and come back as they are.
 */
export function withSafeSplits(tokenizer: Record<string, unknown>): Record<string, unknown> {
  const { model, pre_tokenizer: existing } = tokenizer;
  if (!isJsonObject(model) || !isJsonObject(model['vocab']) || !mergesOnly(model)) return tokenizer;
  if (JSON.stringify(existing ?? null).includes('"ByteLevel"')) return tokenizer;

  const tokens = Object.keys(model['vocab']);
  const pattern = SEPARATORS.map((separator) => cutBefore(separator, tokens)).join('|');
  const split = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
  const pretokenizers = existing ? [existing, split] : [split];
  return { ...tokenizer, pre_tokenizer: { type: 'Sequence', pretokenizers } };
}

/** BPE whose result depends on merges alone: no whole-word look-up, no word suffix, no runs of unknowns fused. */
function mergesOnly(model: Record<string, unknown>): boolean {
  const fusesUnknown = model['fuse_unk'] === true && model['byte_fallback'] !== true;
  const marksWordParts = Boolean(model['continuing_subword_prefix'] || model['end_of_word_suffix']);
  return model['type'] === 'BPE' && model['ignore_merges'] !== true && !fusesUnknown && !marksWordParts;
}

/** An empty match before each `separator` that follows a character which no token has in front of one. */
function cutBefore(separator: string, tokens: string[]): string {
  const joined = new Set([separator]);
  for (const token of tokens) {
    for (let at = token.indexOf(separator, 1); at > 0; at = token.indexOf(separator, at + 1)) {
      joined.add(Array.from(token.slice(0, at)).at(-1)!);
    }
  }
  return `(?<![${Array.from(joined, codePoint).join('')}])(?=${codePoint(separator)})`;
}

const codePoint = (char: string): string => `\\x{${char.codePointAt(0)!.toString(16)}}`;
