/** Texts as the playing coordinator has them written: word by word, the second one with a few other words. */

import type { LikelyToken } from '../../../src/inference/likely-tokens.ts';
import type { TextRequest } from '../../../src/inference/text-request.ts';
import type { Residence } from '../../../src/runnable/residence.ts';
import type { TextEvent, TextListener, TextSide } from '../../../workers/api/texts.ts';

const STORY =
  ' an old fisherman named Tom. Every morning he rowed out to sea in his small blue boat, and every evening he came ' +
  'back with a basket of silver fish. One day the wind was so strong that the boat would not go where Tom wanted. ' +
  '“Where are you taking me?” he asked. The boat did not answer, but it knew the way.';
/** By the place of the word; two words stand for one more. */
const OTHERS: Readonly<Record<number, string>> = { 14: ' tiny green', 39: ' sails', 49: ' he cried' };

const wordsOf = (text: string): string[] => text.match(/ [^ ]+/g) ?? [];

function storyOf(side: TextSide): string[] {
  const words = wordsOf(STORY);
  return side === 'original' ? words : words.flatMap((word, i) => wordsOf(OTHERS[i] ?? word));
}

/** The number by which equal words are known. */
function idOf(word: string): number {
  let id = 0;
  for (const char of word) id = (id * 31 + char.charCodeAt(0)) % 65521;
  return id;
}

/** What could stand at the place of a word: it, and what the other text has there. */
function likelyAt(place: number, word: string): LikelyToken[] {
  const other = wordsOf(OTHERS[place] ?? '')[0] ?? ' and';
  const words = [word, word === other ? (storyOf('original')[place] ?? ' and') : other, ' the', ' a'];
  return words.map((text, i) => ({ id: idOf(text), text, probability: [0.41, 0.39, 0.05, 0.02][i]! }));
}

const FAILURES = {
  gone: {
    name: 'InputError',
    message: 'Choose the folder TinyStories again: the browser has forgotten its files.',
  },
} as const;

const FOREVER = 600_000;

export class MockTexts {
  readonly #wish: string | null;
  #stopped = false;

  /**
   * `gone`: the original cannot be run; `busy`: neither can; `loading`, `writing`: it stays at that; `stored`: its weights
   * are so; `streamed`: too, and it stays at the first token that differs.
   */
  constructor(wish: string | null) {
    this.#wish = wish;
  }

  stop(): void {
    this.#stopped = true;
  }

  async write({ maxTokens }: TextRequest, listener: TextListener): Promise<void> {
    if (this.#wish === 'busy') {
      const message =
        'Another conversion is under way, and there is one GPU: wait for its end, or cancel it.';
      throw Object.assign(new Error(message), { name: 'InputError' });
    }
    this.#stopped = false;
    const order = ['original', 'quantized'] as const;
    for (const side of this.#wish === 'streamed' ? order.toReversed() : order) {
      const tell = (...events: TextEvent[]) => listener({ side, events });
      const failure = FAILURES[this.#wish as keyof typeof FAILURES];
      if (side === 'original' && failure) await tell({ type: 'failed', ...failure });
      else if (!(await this.#one(side, maxTokens, tell))) return;
    }
  }

  async #one(
    side: TextSide,
    maxTokens: number,
    tell: (...events: TextEvent[]) => Promise<void> | void,
  ): Promise<boolean> {
    const isPlaced = side === 'original' && (this.#wish === 'stored' || this.#wish === 'streamed');
    const residence = isPlaced ? (this.#wish as Residence) : 'ready';
    await tell({ type: 'placed', residence });
    for (let done = 0; done <= 13; done++) {
      if (this.#stopped) return false;
      await tell({ type: 'loading', done, total: 13 });
      if (this.#wish === 'loading' && done === 5) await pause(FOREVER);
      await pause(10);
    }
    const words = storyOf(side).slice(0, maxTokens);
    const speed = side === 'original' ? 38.2 : 91.4;
    for (const [i, text] of words.entries()) {
      if (this.#stopped) return false;
      const speedEvent = { type: 'speed', promptSeconds: 0.12, tokensPerSecond: i > 0 ? speed : 0 } as const;
      await tell({ type: 'token', id: idOf(text), text, likely: likelyAt(i, text) }, speedEvent);
      if (this.#wish === 'writing' && i === 20) await pause(FOREVER);
      if (residence === 'streamed' && i === 17) {
        const rate = { type: 'speed', promptSeconds: 14.2, tokensPerSecond: 0.081 } as const;
        await tell(rate, { type: 'run', done: 7, total: 13 });
        await pause(FOREVER);
      }
      await pause(5);
    }
    await tell({ type: 'ended', end: words.length < maxTokens ? 'model' : 'length' });
    return true;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
