/** What is said to the worker that a model's tokenizer is in. */

import type { TokenEncoder } from '../src/tokenizer/tokenizer.ts';
import type { ModelSource } from './api/folders.ts';
import type { LockHolder } from './supervised-worker.ts';

export type TokenizerFacts = Pick<TokenEncoder, 'bosId' | 'eosIds' | 'vocabSize'>;

export interface TokenizerWorkerApi extends LockHolder {
  /** Reads the files that `load` takes. Throws InputError. */
  read(source: ModelSource): Promise<void>;
  /** Throws InputError, UnsupportedError. */
  load(): TokenizerFacts;
  encode(text: string): number[];
  decode(ids: readonly number[]): string;
}
