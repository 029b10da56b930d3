import type { Gpu } from '../../gpu/gpu.ts';
import { type Scope, withScope } from '../../gpu/scope.ts';
import { OutOfMemoryError } from '../../util/errors.ts';

/** Has a promise awaited when the next batch has been recorded, so that the GPU need not wait for the host. */
export type Defer = (reading: Promise<unknown>) => void;

/**
 * Calls `work` for each batch of at most `size` rows, with a scope of its own. While the GPU works on a batch the next
 * one is recorded, and no more than that; at the end all is done. Everything runs in the order of the calls, so the
 * next batch can take the memory of the one before.
 */
export async function forEachBatch(
  gpu: Gpu,
  rows: number,
  size: number,
  work: (scope: Scope, start: number, end: number, defer: Defer) => Promise<void> | void,
): Promise<void> {
  let running: Promise<unknown>[] = [];
  let recorded: Promise<unknown>[] = [];
  const defer = (promise: Promise<unknown>) => {
    promise.catch(() => {}); // thrown below
    recorded.push(promise);
  };
  try {
    for (let start = 0; start < rows; start += size) {
      await withScope(gpu, (scope) => work(scope, start, Math.min(rows, start + size), defer));
      defer(gpu.sync());
      await Promise.all(running);
      [running, recorded] = [recorded, []];
    }
    await Promise.all(running);
  } catch (error) {
    // All may be started again with less at a time: nothing of these batches may come in later.
    if (error instanceof OutOfMemoryError) await Promise.allSettled([...running, ...recorded]);
    throw error;
  }
}
