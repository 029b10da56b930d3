import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import type { ReadableDirectory } from '../io/bytes.ts';
import { isJsonObject, readJsonFile } from '../io/json/json.ts';
import { missingLink } from '../io/model/model-directory.ts';
import { InputError, UnsupportedError } from '../util/errors.ts';
import { checkIds } from './limits.ts';
import { modelType } from './model-type.ts';
import { withSafeSplits } from './safe-splits.ts';
import { findBosId, findEosIds, type TokenConfigs } from './special-ids.ts';

const MODEL_TYPES = ['BPE', 'Unigram', 'WordPiece'];

/** Text to token ids, by a model's own tokenizer.json. */
export interface TokenEncoder {
  /** The ids of `text`, with nothing added before or after. Takes time linear in the text's length. */
  encode(text: string): number[] | Promise<number[]>;
  /** The id that begins a text; undefined when the model uses none. */
  readonly bosId: number | undefined;
  /** The ids that end a text; the first is the one to write. Empty when the model's files name none. */
  readonly eosIds: readonly number[];
  /** All ids are below this; never more than the rows of the model's embedding. */
  readonly vocabSize: number;
  /** Says that no more will be asked; missing where nothing waits for it. */
  close?(): void;
}

/** Both ways, and at once. */
export interface Tokenizer extends TokenEncoder {
  encode(text: string): number[];
  /** The text of `ids`, special tokens included. */
  decode(ids: readonly number[]): string;
}

/** Opens the tokenizer of a model as {@link loadTokenizer} does, where its work can be ended. */
export type OpenTokenizer = (model: ReadableDirectory) => Promise<TokenEncoder>;

/**
 * Runs work that a tokenizer.json decides about, and that a broken or hostile one can make endless: gives its result,
 * or throws when it is ended from outside.
 */
export type Guard = <T>(work: () => T) => T;

const unguarded: Guard = (work) => work();

/** What loadTokenizer reads from a model directory, parsed. */
export interface TokenizerFiles extends TokenConfigs {
  /** Path or name for messages. */
  readonly name: string;
  readonly tokenizer: Record<string, unknown>;
}

/**
 * Loads the tokenizer of a model directory. Throws what {@link readTokenizer} throws, and UnsupportedError (a kind of
 * tokenizer that the library does not have).
 */
export const loadTokenizer = async (directory: ReadableDirectory, guard?: Guard): Promise<Tokenizer> =>
  createTokenizer(await readTokenizer(directory), guard);

/**
 * Reads tokenizer.json of a model directory, with tokenizer_config.json, config.json and generation_config.json where
 * they exist. Throws InputError (missing or broken files).
 */
export async function readTokenizer(directory: ReadableDirectory): Promise<TokenizerFiles> {
  const tokenizer = await readObject(directory, 'tokenizer.json');
  if (!tokenizer) throw await missingTokenizer(directory);
  return {
    name: directory.name,
    tokenizer,
    tokenizerConfig: (await readObject(directory, 'tokenizer_config.json')) ?? {},
    config: (await readObject(directory, 'config.json')) ?? {},
    generationConfig: (await readObject(directory, 'generation_config.json')) ?? {},
  };
}

/** What a tokenizer.json decides about, for messages. */
export const TASK = {
  load: 'loading it',
  encode: 'turning text into tokens',
  decode: 'turning tokens into text',
} as const;
type Task = (typeof TASK)[keyof typeof TASK];

/** That a task failed. @param name of the model directory. */
export const tokenizerFailure = (name: string, task: Task, reason: string): UnsupportedError =>
  new UnsupportedError(
    `${name}/tokenizer.json: ${task} failed: ${reason}. The file is damaged, or asks for what is not supported: ` +
      'get it again; if it is whole, please report the model.',
  );

/** As {@link loadTokenizer}, from files that are already parsed. */
export function createTokenizer(files: TokenizerFiles, guard = unguarded): Tokenizer {
  const run = <T>(task: Task, work: () => T): T => {
    try {
      return guard(work);
    } catch (error) {
      const { name, message } = error as Error;
      if (error instanceof InputError || error instanceof UnsupportedError || name === 'AbortError')
        throw error;
      throw tokenizerFailure(files.name, task, message);
    }
  };
  const library = run(TASK.load, () => openLibrary(files));
  const tokenToId = (token: string): number | undefined => library.token_to_id(token);
  const encode = (text: string): number[] => {
    const { ids } = library.encode(text, { add_special_tokens: false });
    if (!ids.every(Number.isSafeInteger)) throw new Error('it has a piece of the text without an id');
    return ids;
  };
  return {
    encode: (text) => run(TASK.encode, () => encode(text)),
    decode: (ids) =>
      ids.length === 0
        ? ''
        : run(TASK.decode, () => library.decode([...ids], { clean_up_tokenization_spaces: false })),
    bosId: findBosId(files, tokenToId),
    eosIds: findEosIds(files, tokenToId),
    vocabSize: Math.min(idCount(library), embeddingRows(files.config)),
  };
}

/** Parts that a file may leave out and the library asks for. */
const NO_PARTS = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };

function openLibrary({ name, tokenizer, tokenizerConfig }: TokenizerFiles): HuggingFaceTokenizer {
  const { model } = tokenizer;
  const addedTokens = tokenizer['added_tokens'] ?? namedTokens(tokenizerConfig);
  if (!isJsonObject(model) || !Array.isArray(addedTokens)) {
    const fault = isJsonObject(model) ? 'has added_tokens that are no list' : 'has no model';
    throw new InputError(
      `${name}/tokenizer.json ${fault}: it is not a Hugging Face tokenizer file, or it is damaged; get it again.`,
    );
  }
  checkIds(tokenizer, `${name}/tokenizer.json`);
  if (addedTokens !== tokenizer['added_tokens'])
    checkIds({ added_tokens: addedTokens }, `${name}/tokenizer_config.json`);
  const type = modelType(model);
  // The post-processor adds tokens before and after a text, which is not wanted here.
  const parts = { ...NO_PARTS, ...tokenizer, post_processor: null };
  const whole = { ...parts, model: { ...model, type }, added_tokens: addedTokens };
  try {
    // The library takes any other type for a list of whole words.
    if (!type || !MODEL_TYPES.includes(type))
      throw new Error(`its model type is not ${MODEL_TYPES.join(', ')}`);
    return new HuggingFaceTokenizer(withSafeSplits(whole), tokenizerConfig);
  } catch (error) {
    throw new UnsupportedError(
      `${name}/tokenizer.json (model type ${type ?? 'not named'}) could not be loaded: ${(error as Error).message}. If the file is whole, please report the model.`,
    );
  }
}

/** The added tokens that tokenizer_config.json lists, by their ids. */
function namedTokens({ added_tokens_decoder: named }: Record<string, unknown>): unknown[] {
  return Object.entries(isJsonObject(named) ? named : {}).map(([id, token]) => ({
    ...(token as object),
    id: Number(id),
  }));
}

/** One more than the largest id. */
function idCount(library: HuggingFaceTokenizer): number {
  let largest = -1;
  for (const id of library.get_vocab(true).values()) largest = Math.max(largest, id);
  return largest + 1;
}

/** config.json's vocab_size; a tokenizer may have had tokens added that the embedding lacks. */
function embeddingRows(config: Record<string, unknown>): number {
  const text = isJsonObject(config['text_config']) ? config['text_config'] : {};
  const size = config['vocab_size'] ?? text['vocab_size'];
  return typeof size === 'number' && size > 0 ? size : Number.POSITIVE_INFINITY;
}

async function readObject(
  directory: ReadableDirectory,
  path: string,
): Promise<Record<string, unknown> | undefined> {
  const source = await directory.open(path);
  if (!source) return undefined;
  const value = await readJsonFile(source);
  if (isJsonObject(value)) return value;
  throw new InputError(`${source.name} is not a JSON object: it is damaged; get it again.`);
}

async function missingTokenizer(directory: ReadableDirectory): Promise<InputError> {
  const link = await missingLink(directory, 'tokenizer.json');
  if (link) return new InputError(`${directory.name} has no tokenizer.json: ${link}`);
  const hasSentencePiece = (await directory.open('tokenizer.model')) !== undefined;
  return new InputError(
    hasSentencePiece
      ? `${directory.name} has tokenizer.model (SentencePiece) but no tokenizer.json. Get tokenizer.json from the model's page, or write it with Python: AutoTokenizer.from_pretrained(folder).save_pretrained(folder).`
      : `${directory.name} has no tokenizer.json. Get it from the model's page and put it beside config.json.`,
  );
}
