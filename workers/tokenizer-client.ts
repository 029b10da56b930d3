import { takesTooLong, WORK_LIMIT_MS } from '../src/tokenizer/limits.ts';
import { TASK, type TokenEncoder, tokenizerFailure } from '../src/tokenizer/tokenizer.ts';
import type { ModelSource } from './api/folders.ts';
import { superviseWorker } from './supervised-worker.ts';
import type { TokenizerWorkerApi } from './tokenizer-api.ts';

export interface OpenTokenizer extends TokenEncoder {
  decode(ids: readonly number[]): Promise<string>;
  close(): void;
}

/**
 * Opens a model's tokenizer in a worker of its own, which `close` ends, and so does a piece of work that does not come
 * to an end, or `signal`: what is asked then fails with the signal's reason.
 * @param name of the model, for messages. @throws InputError, UnsupportedError; so do `encode` and `decode`.
 */
export async function openTokenizer(
  source: ModelSource,
  name: string,
  signal?: AbortSignal,
): Promise<OpenTokenizer> {
  signal?.throwIfAborted();
  const { api, stop, untilEnd } = startWorker();
  signal?.addEventListener('abort', () => stop(signal.reason), { once: true });
  const within = async <T>(task: (typeof TASK)[keyof typeof TASK], work: Promise<T>): Promise<T> => {
    const timer = setTimeout(
      () => stop(tokenizerFailure(name, task, takesTooLong(WORK_LIMIT_MS))),
      WORK_LIMIT_MS,
    );
    try {
      return await untilEnd.answer(work);
    } finally {
      clearTimeout(timer);
    }
  };
  try {
    await untilEnd.answer(api.read(source));
    const facts = await within(TASK.load, api.load());
    return {
      ...facts,
      encode: (text) => within(TASK.encode, api.encode(text)),
      decode: (ids) => within(TASK.decode, api.decode(ids)),
      close: () => stop(),
    };
  } catch (error) {
    stop(error);
    throw error;
  }
}

const startWorker = () =>
  superviseWorker<TokenizerWorkerApi>(
    () => new Worker(new URL('./tokenizer-worker.ts', import.meta.url), { type: 'module' }),
    'tokenizer',
    new Error('The tokenizer worker has ended; its memory may have run out.'),
  );
