import type { KvCache } from './kv-cache.ts';
import type { LanguageModel, OnModule } from './language-model.ts';

/**
 * The logits after a prompt and after each token that is taken from then on. Those after the tokens of a draft are had
 * in the run of the prompt; once another token is taken, each token has a run of its own.
 */
export class DraftedLogits {
  readonly #model: LanguageModel;
  readonly #cache: KvCache;
  readonly #draft: readonly number[];
  readonly #onModule: OnModule | undefined;
  /** After the tokens so far and one more of the draft, and so on. */
  #ahead: Float32Array[] = [];
  /** Tokens so far, the prompt's and others. */
  #prompt = 0;
  #taken = 0;

  /** @param draft as much of it as the cache has room for */
  constructor(model: LanguageModel, cache: KvCache, draft: readonly number[], onModule?: OnModule) {
    this.#model = model;
    this.#cache = cache;
    this.#draft = draft;
    this.#onModule = onModule;
  }

  async begin(prompt: readonly number[]): Promise<Float32Array> {
    this.#prompt = prompt.length;
    const ids = [...prompt, ...this.#draft];
    const [first, ...ahead] = await this.#model.nextAll(
      ids,
      this.#draft.length + 1,
      this.#cache,
      this.#onModule,
    );
    this.#ahead = ahead;
    return first!;
  }

  /** Whether it takes no run to have what follows `id`. */
  isKnown(id: number): boolean {
    return this.#ahead.length > 0 && id === this.#draft[this.#taken];
  }

  /** Takes `id` as the next token. */
  async after(id: number): Promise<Float32Array> {
    const isKnown = this.isKnown(id);
    this.#taken++;
    if (isKnown) return this.#ahead.shift()!;
    this.#ahead = [];
    this.#cache.rewind(this.#prompt + this.#taken - 1);
    return this.#model.next([id], this.#cache, this.#onModule);
  }
}
