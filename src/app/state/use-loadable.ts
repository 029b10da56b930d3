import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { failureOf, type Loadable, latestValue } from './loadable.ts';

/**
 * What `ask` gives, asked anew when one of `inputs` changes; the last answer stays until the next one. Without `ask` it
 * stays as it is.
 */
export function useLoadable<T>(
  ask: (() => Promise<T>) | undefined,
  inputs: readonly unknown[],
): ReadonlySignal<Loadable<T>> {
  const answer = useSignal<Loadable<T>>({ state: 'idle' });
  useEffect(() => {
    if (!ask) return;
    let current = true;
    const before = latestValue(answer.value);
    answer.value = { state: 'loading', ...(before !== undefined && { before }) };
    ask().then(
      (value) => {
        if (current) answer.value = { state: 'ready', value };
      },
      (error) => {
        if (current) answer.value = { state: 'failed', failure: failureOf(error) };
      },
    );
    return () => {
      current = false;
    };
  }, inputs);
  return answer;
}
