import { Script } from 'node:vm';
import type { ReadableDirectory } from '../io/bytes.ts';
import { takesTooLong, WORK_LIMIT_MS } from '../tokenizer/limits.ts';
import { type Guard, loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.ts';

const RUN = '__exl2WebWork';
const script = new Script(`globalThis.${RUN}()`);

/**
 * Runs work that blocks this thread so that Ctrl-C and a time limit can end it: no signal is heard meanwhile otherwise.
 * Ended by Ctrl-C, or begun when `signal` is aborted, it throws an AbortError.
 */
export const endable =
  (signal: AbortSignal, limitMs = WORK_LIMIT_MS): Guard =>
  <T>(work: () => T): T => {
    signal.throwIfAborted();
    const place = globalThis as unknown as Record<string, () => T>;
    place[RUN] = work;
    try {
      return script.runInThisContext({ timeout: limitMs, breakOnSigint: true }) as T;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new Error(takesTooLong(limitMs));
      if (code !== 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw error;
      // Those who listen for Ctrl-C have not heard it.
      process.emit('SIGINT');
      throw new DOMException('Interrupted', 'AbortError');
    } finally {
      delete place[RUN];
    }
  };

/** Opens tokenizers whose work is {@link endable}. */
export const endableTokenizer =
  (signal: AbortSignal) =>
  (model: ReadableDirectory): Promise<Tokenizer> =>
    loadTokenizer(model, endable(signal));
