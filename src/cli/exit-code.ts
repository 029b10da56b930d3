/** What every program ends with; 0: done. */

import { InputError, UnsupportedError } from '../util/errors.ts';

/** By Ctrl-C. */
export const INTERRUPTED = 130;

/** 1: wrong input, or what this machine or program cannot do; 2: it failed. */
export const exitCodeOf = (error: unknown): number =>
  error instanceof InputError || error instanceof UnsupportedError ? 1 : 2;
