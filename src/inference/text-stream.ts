import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Tokens that are decoded together with the next one: decoders look at what is beside a token. */
const CONTEXT = 16;
/** What decoders give for bytes that are not a whole character yet. */
const INCOMPLETE = '\ufffd';

/** Text that grows token by token. */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  #ids: number[];
  #shown: string;

  /** `before`: tokens that stand before, and are not shown. */
  constructor(tokenizer: Tokenizer, before: readonly number[]) {
    this.#tokenizer = tokenizer;
    this.#ids = before.slice(-CONTEXT);
    this.#shown = tokenizer.decode(this.#ids);
  }

  /** What the text would gain by this token. */
  withNext(id: number): string {
    const text = this.#tokenizer.decode([...this.#ids, id]);
    return text.slice(sharedStart(text, this.#shown));
  }

  /** What the text gains by this token; it is empty while the last character is not complete. */
  add(id: number): string {
    this.#ids.push(id);
    const text = this.#tokenizer.decode(this.#ids);
    if (text.endsWith(INCOMPLETE)) return '';
    const added = text.slice(sharedStart(text, this.#shown));
    this.#ids = this.#ids.slice(-CONTEXT);
    this.#shown = this.#tokenizer.decode(this.#ids);
    return added;
  }
}

/** Characters that both begin with; what was shown may end in half a character that is whole now. */
function sharedStart(a: string, b: string): number {
  let length = 0;
  while (length < b.length && a[length] === b[length]) length++;
  return length;
}
