import { OutOfMemoryError } from './errors.ts';

/**
 * Waits for all of them, and only then throws the first error: none is left at work. Where memory ran out that is
 * thrown, as other errors may come of it.
 */
export async function together(works: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(works);
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  if (errors.length > 0) throw errors.find((error) => error instanceof OutOfMemoryError) ?? errors[0];
}
