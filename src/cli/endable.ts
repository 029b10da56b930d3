import { Script } from 'node:vm';
import type { Guard } from '../tokenizer/tokenizer.ts';

/** For one text of about a megabyte, which takes seconds. */
const LIMIT_MS = 120_000;

const RUN = '__exl2WebWork';
const script = new Script(`globalThis.${RUN}()`);

/**
 * Runs work that blocks this thread so that Ctrl-C and a time limit can end it: no signal is heard meanwhile otherwise.
 * Ended by Ctrl-C, or begun when `signal` is aborted, it throws an AbortError.
 */
export const endable =
  (signal: AbortSignal, limitMs = LIMIT_MS): Guard =>
  <T>(work: () => T): T => {
    signal.throwIfAborted();
    const place = globalThis as unknown as Record<string, () => T>;
    place[RUN] = work;
    try {
      return script.runInThisContext({ timeout: limitMs, breakOnSigint: true }) as T;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
        throw new Error(`it takes more than ${limitMs / 1000} s, as patterns with nested repetitions do`);
      if (code !== 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw error;
      // Those who listen for Ctrl-C have not heard it.
      process.emit('SIGINT');
      throw new DOMException('Interrupted', 'AbortError');
    } finally {
      delete place[RUN];
    }
  };
