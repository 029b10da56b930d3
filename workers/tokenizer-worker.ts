/** Holds a model's tokenizer: its file may make the work endless, and then nothing but its worker's end ends it. */

import { expose } from 'comlink';
import {
  createTokenizer,
  readTokenizer,
  type Tokenizer,
  type TokenizerFiles,
} from '../src/tokenizer/tokenizer.ts';
import { openSource } from './places.ts';
import type { TokenizerWorkerApi } from './tokenizer-api.ts';
import { holdLock } from './worker-lock.ts';

let files: TokenizerFiles;
let tokenizer: Tokenizer;

const api: TokenizerWorkerApi = {
  begin: holdLock,
  async read(source) {
    files = await readTokenizer(openSource(source));
  },
  load() {
    tokenizer = createTokenizer(files);
    const { bosId, eosIds, vocabSize } = tokenizer;
    return { bosId, eosIds, vocabSize };
  },
  encode: (text) => tokenizer.encode(text),
  decode: (ids) => tokenizer.decode(ids),
};

expose(api);
