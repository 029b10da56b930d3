import { useId } from 'preact/hooks';
import type { ModelFacts } from '../../../workers/api.ts';
import { formatBits, formatBytes } from '../format.ts';
import { bitsThatFit, cacheBytes, runBytes, weightCount } from '../sizes.ts';
import { useApp } from '../state/app-state.ts';
import { BITS_RANGE } from '../state/draft.ts';
import { BitsSlider } from './bits-slider.tsx';
import { NumberField } from './number-field.tsx';
import { Term } from './term.tsx';

/** How small the output is to be: one bitrate or several. */
export function PlanBitrates({ model }: { model: ModelFacts }) {
  const { draft } = useApp();
  const bits = draft.bits.value;
  const active = bits[draft.active.value] ?? 4;
  return (
    <div class="field">
      <BitsSlider bits={active} onBits={(value) => draft.setBits(value)} />
      <FitRow model={model} bits={active} />
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

/** What the bitrate needs when the model runs, and the other way round. */
function FitRow({ model, bits }: { model: ModelFacts; bits: number }) {
  const { draft } = useApp();
  const fieldId = useId();
  const headBits = draft.headBits.value;
  const cacheTokens = draft.cacheTokens.value;
  const needed = runBytes(model, bits * weightCount(model), headBits, cacheTokens);
  const fitInto = (gigabytes: number) => {
    const fitting = bitsThatFit(model, gigabytes * 1e9, headBits, cacheTokens);
    draft.setBits(Math.floor(fitting * 100) / 100);
  };
  const unit = needed < 1e8 ? 1e6 : 1e9;
  const least = bitsThatFit(model, needed, headBits, cacheTokens) <= BITS_RANGE.min;
  return (
    <p class="fit">
      <label for={fieldId}>Fits in</label>{' '}
      <NumberField
        id={fieldId}
        value={Number((needed / unit).toFixed(2))}
        min={0}
        step={unit === 1e9 ? 0.1 : 0.01}
        onValue={(value) => fitInto((value * unit) / 1e9)}
      />{' '}
      {unit === 1e9 ? 'GB' : 'MB'} of <Term of="GPU memory" /> with a <Term of="cache" /> of{' '}
      <NumberField
        label="Tokens in the cache"
        value={cacheTokens}
        min={0}
        step={1024}
        onValue={(value) => {
          draft.cacheTokens.value = Math.round(value);
        }}
      />{' '}
      tokens <span class="note number">({formatBytes(cacheBytes(model, cacheTokens))})</span>
      {least && <span class="note"> — the least that is possible</span>}
    </p>
  );
}
