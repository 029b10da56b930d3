import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { wrap } from 'comlink';
import type { LearnApi } from '../../../workers/api/learn.ts';
import { STORY } from '../../learn/data/story.ts';
import type { Loadable } from '../state/loadable.ts';
import { useLoadable } from '../state/use-loadable.ts';

/** Started with the first card that asks; it stays for the next visit. */
let api: LearnApi | undefined;

/** The worker could not be started, or has ended: it gives no answers. */
export const workerLost: Signal<boolean> = signal(false);

export function learnApi(): LearnApi {
  if (!api) {
    const worker = new Worker(new URL('../../../workers/learn-worker.ts', import.meta.url), {
      type: 'module',
    });
    // Only what nobody catches comes here.
    worker.onerror = () => {
      workerLost.value = true;
    };
    api = wrap<LearnApi>(worker);
  }
  return api;
}

/** The text that cards 2 and 4 are about: the reader may write another one. */
export const lessonText: Signal<string> = signal(STORY);

/** Doubled type and nothing around it, for a projector. */
export const presenting: Signal<boolean> = signal(false);

/** What `ask` gives, asked anew when one of `inputs` changes. */
export const useLesson = <T>(
  ask: (api: LearnApi) => Promise<T>,
  inputs: readonly unknown[],
): ReadonlySignal<Loadable<T>> => useLoadable(() => ask(learnApi()), inputs);
