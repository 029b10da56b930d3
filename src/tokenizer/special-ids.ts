import { isJsonObject } from '../io/json/json.ts';

/** The parsed JSON files of a model directory that name the tokens which begin and end a text. */
export interface TokenConfigs {
  readonly tokenizerConfig: Record<string, unknown>;
  readonly config: Record<string, unknown>;
  readonly generationConfig: Record<string, unknown>;
}

export type TokenToId = (token: string) => number | undefined;

/**
 * The id that begins a text. tokenizer_config.json decides where it has `bos_token`: null there means that the
 * model's texts begin without one (Qwen), even if config.json still has an id.
 */
export function findBosId(files: TokenConfigs, tokenToId: TokenToId): number | undefined {
  const { tokenizerConfig, config, generationConfig } = files;
  if ('bos_token' in tokenizerConfig) {
    if (tokenizerConfig['bos_token'] === null) return undefined;
    const id = tokenId(tokenizerConfig['bos_token'], tokenToId);
    if (id !== undefined) return id;
  }
  return [config, generationConfig].flatMap((file) => configIds(file, 'bos_token_id'))[0];
}

/**
 * All ids that end a text, from generation_config.json, config.json and tokenizer_config.json in that order;
 * the first is the one to write after a text.
 */
export function findEosIds(files: TokenConfigs, tokenToId: TokenToId): number[] {
  const { tokenizerConfig, config, generationConfig } = files;
  const ids = [generationConfig, config].flatMap((file) => configIds(file, 'eos_token_id'));
  const named = tokenId(tokenizerConfig['eos_token'], tokenToId);
  return [...new Set(named === undefined ? ids : [...ids, named])];
}

/** The ids under `key`, one or a list; multimodal configs keep theirs in `text_config`. */
function configIds(config: Record<string, unknown>, key: string): number[] {
  const value = config[key] ?? (isJsonObject(config['text_config']) ? config['text_config'][key] : undefined);
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((id): id is number => Number.isSafeInteger(id) && (id as number) >= 0);
}

/** The id of a token given as a string or as an added-token record with `content`. */
function tokenId(token: unknown, tokenToId: TokenToId): number | undefined {
  const content = isJsonObject(token) ? token['content'] : token;
  return typeof content === 'string' ? tokenToId(content) : undefined;
}
