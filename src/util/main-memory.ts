import { MainMemoryError } from './errors.ts';
import { formatByteSize } from './text/byte-size.ts';

/** Of arrays in V8, which Node and Chrome have, in Firefox and in Safari; and of GPU buffers that are mapped, in Chrome. */
const EXHAUSTED =
  /^(array buffer allocation failed|invalid (typed array|array buffer) length|out of memory|allocation size overflow)|too large for the implementation/i;

/** Whether an error says that there is no main memory left. */
export const isExhausted = (error: unknown): error is RangeError =>
  error instanceof RangeError && EXHAUSTED.test(error.message);

/** What `make` allocates. @param what it is, of so many bytes. @throws MainMemoryError where there is no memory for it. */
export function inMainMemory<T>(what: string, bytes: number, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw isExhausted(error) ? mainMemoryError(`${what} (${formatByteSize(bytes)})`, error) : error;
  }
}

/** @param what did not fit. */
export const mainMemoryError = (what: string, { message }: RangeError): MainMemoryError =>
  new MainMemoryError(
    `The computer's main memory does not suffice for ${what}: ${message}. End other programs, or calibrate with fewer or ` +
      'shorter rows (--dataset_rows, --length; --dry-run says what a conversion needs).',
  );
