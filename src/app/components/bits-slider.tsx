import { useId } from 'preact/hooks';
import { formatBits } from '../format.ts';
import { BITS_RANGE, KNOWN_BITS } from '../state/draft.ts';
import { Term } from './term.tsx';

interface BitsSliderProps {
  readonly bits: number;
  /** Bitrates that are there already. */
  readonly made?: readonly number[];
  readonly onBits: (bits: number) => void;
}

/** The bitrate, by slider, by number, or one of those that people know. */
export function BitsSlider({ bits, made = [], onBits }: BitsSliderProps) {
  const id = useId();
  const { min, max, step } = BITS_RANGE;
  const place = (value: number) => `${((value - min) / (max - min)) * 100}%`;
  return (
    <div class="bits">
      <div class="bits-head">
        <label for={id}>Bits per weight</label>
        <Term of="bits per weight">what is this?</Term>
      </div>
      <div class="bits-row">
        <input
          class="bits-number number"
          type="number"
          inputMode="decimal"
          aria-label="Bits per weight, as a number"
          min={min}
          max={max}
          step={step}
          value={formatBits(bits)}
          onChange={(event) => {
            const value = event.currentTarget.valueAsNumber;
            if (Number.isFinite(value)) onBits(value);
            event.currentTarget.value = formatBits(bits);
          }}
        />
        <div class="bits-track">
          <input
            id={id}
            type="range"
            min={min}
            max={max}
            step={step}
            value={bits}
            aria-valuetext={`${formatBits(bits)} bits per weight`}
            onInput={(event) => onBits(event.currentTarget.valueAsNumber)}
          />
          <div class="bits-known">
            {made.map((each) => (
              <span key={`made ${each}`} class="made-mark" style={{ left: place(each) }} aria-hidden="true" />
            ))}
            {KNOWN_BITS.map((known) => (
              <button
                key={known}
                type="button"
                style={{ left: place(known) }}
                aria-pressed={known === bits}
                aria-label={`${known} bits per weight`}
                onClick={() => onBits(known)}
              >
                {known}
              </button>
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}
