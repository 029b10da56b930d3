import { formatBits, formatPercent } from '../format.ts';
import { capitalized, moduleTitle } from '../module-words.ts';
import type { AllocationChoice } from '../state/allocation-choice.ts';
import { EMPTY_MODULE, type ModuleView } from '../state/job-view.ts';
import { latestValue } from '../state/loadable.ts';
import { LookInside } from './look-inside.tsx';
import { ModuleChart } from './module-chart.tsx';

interface CandidatePickerProps {
  readonly choice: AllocationChoice;
  readonly moduleKey: string | undefined;
}

/** The candidates of a module: one of them can be pinned, and the others are then allocated around it. */
export function CandidatePicker({ choice, moduleKey }: CandidatePickerProps) {
  const module = choice.record.model.modules.find(({ key }) => key === moduleKey);
  const measured = latestValue(choice.measurement.value)?.find(({ key }) => key === moduleKey);
  const chosen = choice.allocation.value?.modules.find(({ key }) => key === moduleKey);
  if (!module || !measured) {
    return (
      <section class="panel" aria-label="Module">
        <h2>One module</h2>
        <p class="note">Choose a cell to see the module’s candidates, and to pin one of them.</p>
      </section>
    );
  }
  const pinned = choice.pinned.value[module.key];
  const trials = measured.candidates.map(({ error, bitsPerWeight, description }, candidate) => ({
    candidate,
    error,
    bitsPerWeight,
    description,
  }));
  const view: ModuleView = { ...EMPTY_MODULE, trials, measured: true, ...(chosen && { choice: chosen }) };
  const pin = (candidate: number) => choice.pin(module.key, candidate);
  return (
    <section class="panel" aria-label="Module">
      <h2>{capitalized(moduleTitle(module))}</h2>
      <ModuleChart module={module} view={view} bits={choice.bits.value} onCandidate={pin} />
      <div class="row">
        <label for="pin">Takes</label>
        <select
          id="pin"
          class="number"
          value={pinned ?? ''}
          onChange={(event) => {
            const { value } = event.currentTarget;
            if (value === '') choice.unpin(module.key);
            else pin(Number(value));
          }}
        >
          <option value="">what is best for all</option>
          {trials
            .toSorted((a, b) => a.bitsPerWeight - b.bitsPerWeight)
            .map(({ candidate, bitsPerWeight, error }) => (
              <option key={candidate} value={candidate}>
                {formatBits(bitsPerWeight)} bpw, error {formatPercent(error)} %
              </option>
            ))}
        </select>
        {pinned !== undefined && (
          <button type="button" onClick={() => choice.unpin(module.key)}>
            Unpin
          </button>
        )}
      </div>
      <LookInside module={module} id={choice.record.id} bits={choice.bits.value} />
    </section>
  );
}
