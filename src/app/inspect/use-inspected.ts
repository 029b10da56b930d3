import { type ReadonlySignal, useSignal } from '@preact/signals';
import type { JobRecord } from '../../../workers/api/jobs.ts';
import type { InspectedLinear } from '../../learn/kept/inspected.ts';
import { useApp } from '../state/app-state.ts';
import type { ModuleView } from '../state/job-view.ts';
import type { Loadable } from '../state/loadable.ts';
import type { InspectRoute } from '../state/route.ts';
import { useLoadable } from '../state/use-loadable.ts';
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
  const [place, rounded] = [{ module: module.key, name: linear.name }, card === 4];
  const answer = useLoadable(card === 6 ? undefined : () => api.inspectLinear(id, bits, place, rounded), [
    ...[api, id, bits, place.module, place.name, card],
    ...[asked.value, results.length, measured, rfnError],
  ]);
  return {
    answer,
    again: () => {
      asked.value++;
    },
  };
}
