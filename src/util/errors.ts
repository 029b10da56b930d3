/**
 * The few kinds of failure. Every message says what went wrong, where (file, tensor, module), actual against
 * expected, and what to do; workers pass on only name, message and stack, so everything is in the message.
 */

import { plainText } from './text/plain-text.ts';

/** Names and values of files may be in the message. */
class PlainError extends Error {
  constructor(message?: string, options?: ErrorOptions) {
    super(message === undefined ? message : plainText(message), options);
  }
}

/** A file or an option that the user gave is wrong. */
export class InputError extends PlainError {
  override readonly name = 'InputError';
}

/** Valid input that this program (or this GPU) cannot handle. */
export class UnsupportedError extends PlainError {
  override readonly name = 'UnsupportedError';
}

/** Arithmetic failed: non-finite states, a Hessian that cannot be factored, a packed layer that differs. */
export class NumericalError extends PlainError {
  override readonly name = 'NumericalError';
}

/** The GPU ran out of memory; callers may free, take a smaller batch and try again. */
export class OutOfMemoryError extends PlainError {
  override readonly name = 'OutOfMemoryError';
}

/** As {@link OutOfMemoryError}, when all that callers can do has been done. */
export class TooLittleMemoryError extends OutOfMemoryError {}

/** The computer ran out of main memory. */
export class MainMemoryError extends PlainError {
  override readonly name = 'MainMemoryError';
}

/** The GPU device was lost; the job can go on from its last finished module with a new device. */
export class DeviceLostError extends PlainError {
  override readonly name = 'DeviceLostError';
}

/** A bug in this program. */
export class InternalError extends PlainError {
  override readonly name = 'InternalError';
}

/** Runs `work`; says of what it takes for wrong where that is, where the message does not say so itself. */
export async function at<T>(place: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isExplained = error instanceof InputError || error instanceof UnsupportedError;
    if (!isExplained || error.message.includes(place)) throw error;
    throw new (error instanceof InputError ? InputError : UnsupportedError)(`In ${place}: ${error.message}`, {
      cause: error,
    });
  }
}

/** Throws {@link InternalError} unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InternalError(`${message} (a bug in the converter: please report it)`);
}
