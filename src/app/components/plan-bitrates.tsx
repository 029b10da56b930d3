import type { ModelFacts } from '../../../workers/api/model.ts';
import { madeOf } from '../expected-quality.ts';
import { formatBits } from '../format.ts';
import { useApp } from '../state/app-state.ts';
import { BitsSlider } from './bits-slider.tsx';
import { FitRow } from './fit-row.tsx';
import { MadeBitrates, PlanOutcome } from './plan-outcome.tsx';
import { Term } from './term.tsx';

/** How small the output is to be, one bitrate or several, and what that comes to. */
export function PlanBitrates({ model }: { model: ModelFacts }) {
  const { draft, jobs } = useApp();
  const bits = draft.bits.value;
  const active = bits[draft.active.value] ?? 4;
  return (
    <div class="field">
      <BitsSlider
        bits={active}
        made={madeOf(model, jobs.records.value).map((result) => result.bits)}
        onBits={(value) => draft.setBits(value)}
      />
      <MadeBitrates model={model} />
      <PlanOutcome model={model} />
      {model.running && (
        <FitRow
          need={model.running}
          bits={active}
          headBits={draft.headBits.value}
          onBits={(value) => draft.setBits(value)}
        />
      )}
      <div class="row chips">
        {bits.length > 1 &&
          bits.map((each, index) => (
            <span key={index} class="chip">
              <button
                type="button"
                class="number"
                aria-pressed={index === draft.active.value}
                onClick={() => {
                  draft.active.value = index;
                }}
              >
                {formatBits(each)} bpw
              </button>
              <button
                type="button"
                aria-label={`Leave out ${formatBits(each)} bpw`}
                onClick={() => draft.removeBits(index)}
              >
                ×
              </button>
            </span>
          ))}
        <button type="button" class="quiet" disabled={bits.length >= 6} onClick={() => draft.addBits()}>
          + another bitrate
        </button>
        <span class="note">
          Several bitrates share one <Term of="measurement" />.
        </span>
      </div>
    </div>
  );
}
