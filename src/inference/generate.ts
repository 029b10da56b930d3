import type { Gpu } from '../gpu/gpu.ts';
import { Scope } from '../gpu/scope.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { InputError } from '../util/errors.ts';
import { seededRandom } from '../util/random.ts';
import { DraftedLogits } from './drafted-logits.ts';
import type { LanguageModel, OnModule } from './language-model.ts';
import { type LikelyToken, likelyTokens } from './likely-tokens.ts';
import { checkSampling, sample } from './sampling.ts';
import type { TextEnd, TextRequest } from './text-request.ts';
import { TextStream } from './text-stream.ts';

export interface GenerateOptions extends TextRequest {
  readonly signal: AbortSignal;
  /** So many of the most likely tokens are told at each step; missing: none. */
  readonly likely?: number;
  /**
   * A text that may be the same: it is run together with the prompt, and taken as far as it is what comes out anyway.
   * Worth it where a run takes long, whatever it is of.
   */
  readonly draft?: readonly number[];
  /** Called before each module of each run. */
  readonly onModule?: OnModule;
}

/** One token more. */
export interface GeneratedToken {
  readonly id: number;
  /** What it adds to the text; empty where a character is not complete yet. */
  readonly text: string;
  /** What could have stood here, the likeliest first; it need not be among them where it was drawn. */
  readonly likely: readonly LikelyToken[];
  /** Tokens so far, without the prompt's. */
  readonly count: number;
  /** Of the prompt, in seconds. */
  readonly promptSeconds: number;
  /** Tokens a second since the prompt and what is right of the draft were read. */
  readonly tokensPerSecond: number;
}

/**
 * Continues a prompt token by token, until the model ends the text, `maxTokens`, or its context is full; says which.
 * @throws InputError for options out of range or a prompt that is too long; the signal's reason when it is aborted.
 */
export async function* generate(
  gpu: Gpu,
  model: LanguageModel,
  tokenizer: Tokenizer,
  options: GenerateOptions,
): AsyncGenerator<GeneratedToken, TextEnd> {
  checkSampling(options);
  const prompt = promptIds(tokenizer, options.prompt);
  const { maxPositions } = model.model.outline.config;
  if (prompt.length >= maxPositions) {
    throw new InputError(
      `The prompt has ${prompt.length} tokens; the model's context ends at ${maxPositions}.`,
    );
  }
  const random = seededRandom(options.seed);
  const stream = new TextStream(tokenizer, prompt);
  const scope = new Scope(gpu);
  try {
    const cache = model.newCache(scope, Math.min(maxPositions, prompt.length + options.maxTokens));
    const started = performance.now();
    const draft = options.draft?.slice(0, cache.capacity - prompt.length) ?? [];
    const source = new DraftedLogits(model, cache, draft, options.onModule);
    let logits = await source.begin(prompt);
    const promptSeconds = (performance.now() - started) / 1000;
    /** The last token that took no run of its own, and when it came. */
    let [free, since] = [1, performance.now()];
    for (let count = 1; count <= options.maxTokens; count++) {
      options.signal.throwIfAborted();
      const id = sample(logits, options, random);
      if (tokenizer.eosIds.includes(id)) return 'model';
      const likely = options.likely ? withTexts(likelyTokens(logits, options.likely), stream) : [];
      const text = stream.add(id);
      const seconds = (performance.now() - since) / 1000;
      yield {
        id,
        text,
        likely,
        count,
        promptSeconds,
        tokensPerSecond: count > free ? (count - free) / seconds : 0,
      };
      if (count === options.maxTokens) break;
      const isKnown = source.isKnown(id);
      if (!isKnown && prompt.length + count > cache.capacity) return 'context';
      logits = await source.after(id);
      if (isKnown) [free, since] = [count + 1, performance.now()];
    }
    return 'length';
  } finally {
    scope.freeAll();
  }
}

const withTexts = (tokens: readonly Omit<LikelyToken, 'text'>[], stream: TextStream): LikelyToken[] =>
  tokens.map(({ id, probability }) => ({ id, text: stream.withNext(id), probability }));

/** With the token that begins a text. Throws InputError when nothing is left to begin with. */
function promptIds(tokenizer: Tokenizer, prompt: string): number[] {
  const ids = [...(tokenizer.bosId === undefined ? [] : [tokenizer.bosId]), ...tokenizer.encode(prompt)];
  if (ids.length === 0)
    throw new InputError('The prompt is empty, and this model has no token that begins a text.');
  return ids;
}
