import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { JobRecord } from '../../../workers/api/jobs.ts';
import type { InspectedLinear } from '../../learn/kept/inspected.ts';
import { useApp } from '../state/app-state.ts';
import type { ModuleView } from '../state/job-view.ts';
import { failureOf, type Loadable, latestValue } from '../state/loadable.ts';
import type { InspectRoute } from '../state/route.ts';
import type { InspectedPlace } from './titles.ts';

export interface Inspecting {
  readonly answer: ReadonlySignal<Loadable<InspectedLinear>>;
  /** Asks anew. */
  readonly again: () => void;
}

/** What a job has kept of a linear; asked for anew as soon as there may be more of it. */
export function useInspected(
  { id, bits, card }: InspectRoute,
  { module, linear }: InspectedPlace,
  { results }: JobRecord,
  { measured, rfnError }: ModuleView,
): Inspecting {
  const { api } = useApp();
  const asked = useSignal(0);
  const answer = useSignal<Loadable<InspectedLinear>>({ state: 'idle' });
  const [place, rounded] = [{ module: module.key, name: linear.name }, card === 4];
  useEffect(() => {
    if (card === 6) return;
    let current = true;
    const before = latestValue(answer.value);
    answer.value = { state: 'loading', ...(before !== undefined && { before }) };
    api.inspectLinear(id, bits, place, rounded).then(
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
  }, [api, id, bits, place.module, place.name, card, asked.value, results.length, measured, rfnError]);
  return {
    answer,
    again: () => {
      asked.value++;
    },
  };
}
