import { gpusOf } from '../../../workers/api/options.ts';
import { formatBits } from '../format.ts';
import type { AllocationChoice } from '../state/allocation-choice.ts';
import { useApp } from '../state/app-state.ts';
import { isFree } from '../state/queue.ts';
import { go, route } from '../state/route.ts';

/** The bitrates that will be made, and the button that makes them. */
export function ChooseFooter({ choice }: { choice: AllocationChoice }) {
  const app = useApp();
  const { id } = choice.record;
  const requests = choice.requests();
  const pins = Object.keys(choice.pinned.value).length;
  const quantize = async () => {
    const shown = route.value;
    const begun = await app.jobs.quantize(id, requests);
    // The user may have gone elsewhere meanwhile.
    if (begun && route.value === shown) go({ screen: 'job', id });
  };
  return (
    <div class="row chips">
      <button
        type="button"
        class="primary"
        disabled={choice.allocation.value === undefined || choice.problem.value !== undefined}
        onClick={() => void quantize()}
      >
        {isFree(app.jobs.queue.value, gpusOf(choice.record.options)) ? 'Quantize to' : 'Add to queue:'}{' '}
        {requests.map(({ bits }) => formatBits(bits)).join(' and ')} bpw
      </button>
      {choice.queue.value.map(({ bits, pinned }, index) => (
        <span key={index} class="chip">
          <span class="number">
            {formatBits(bits)} bpw{Object.keys(pinned).length > 0 && `, ${Object.keys(pinned).length} pinned`}
          </span>
          <button
            type="button"
            aria-label={`Leave out ${formatBits(bits)} bpw`}
            onClick={() => choice.drop(index)}
          >
            ×
          </button>
        </span>
      ))}
      <button type="button" class="quiet" onClick={() => choice.keep()}>
        + keep this one and choose another
      </button>
      {pins > 0 && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            choice.pinned.value = {};
          }}
        >
          Unpin {pins === 1 ? 'the module' : `all ${pins} modules`}
        </button>
      )}
    </div>
  );
}
