import { mayBeGivenUp } from '../src/util/given-up.ts';
import type { GpuClient } from './gpu-client.ts';

/** What is not interrupted within this time is broken off; a job loses only its module, a text the loaded models. */
const PATIENCE_MS = 5000;

/** Waits for the end of what a GPU worker was asked to interrupt; where that does not come, it comes with the worker's. */
export async function breakOff(
  gpu: Pick<GpuClient, 'restart'>,
  asked: Promise<void>,
  ended: Promise<unknown>,
): Promise<void> {
  const timer = setTimeout(() => gpu.restart(), PATIENCE_MS);
  mayBeGivenUp(asked); // a worker that has stopped meanwhile has ended it too
  await ended;
  clearTimeout(timer);
}
