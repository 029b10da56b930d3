import { isJsonObject } from '../io/json/json.ts';

type Json = Readonly<Record<string, unknown>>;

/** What WordPiece files have beside the vocabulary; the others lack some of it. */
const WORD_PIECE = ['unk_token', 'continuing_subword_prefix', 'max_input_chars_per_word'];

/**
 * The kind of the `model` of a tokenizer.json. Files of old versions do not name it; then it follows from what the model
 * has, as in Hugging Face's `tokenizers`.
 * @returns undefined where it is not named and nothing fits.
 */
export function modelType(model: Json): string | undefined {
  const { type, vocab, merges } = model;
  if (type !== undefined && type !== null) return String(type);
  if (Array.isArray(vocab)) return 'Unigram';
  if (!isJsonObject(vocab)) return undefined;
  if (Array.isArray(merges)) return 'BPE';
  if (WORD_PIECE.every((key) => Object.hasOwn(model, key))) return 'WordPiece';
  return Object.hasOwn(model, 'unk_token') ? 'WordLevel' : undefined;
}
