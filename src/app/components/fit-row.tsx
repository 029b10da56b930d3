import { useId } from 'preact/hooks';
import type { RunningNeed } from '../../estimate/output-size.ts';
import type { BitWidth } from '../../exl2/params.ts';
import { formatBytes } from '../format.ts';
import { useApp } from '../state/app-state.ts';
import { BITS_RANGE } from '../state/draft.ts';
import { NumberField } from './number-field.tsx';
import { Term } from './term.tsx';

interface FitRowProps {
  readonly need: RunningNeed;
  readonly bits: number;
  readonly headBits: BitWidth;
  readonly onBits: (bits: number) => void;
}

/** What the bitrate needs when the model runs, and the other way round. */
export function FitRow({ need: { weights, otherBytes, tokenBytes }, bits, headBits, onBits }: FitRowProps) {
  const { cacheTokens } = useApp().draft;
  const id = useId();
  const tokens = cacheTokens.value;
  const besides = otherBytes[headBits] + tokens * tokenBytes;
  const needed = besides + (bits * weights) / 8;
  // Tiny models would be 0.01 GB.
  const [unit, name, step] = needed < 1e8 ? ([1e6, 'MB', 0.01] as const) : ([1e9, 'GB', 0.1] as const);
  const fit = (amount: number) => onBits(Math.floor((((amount * unit - besides) * 8) / weights) * 100) / 100);
  return (
    <p class="fit">
      <label for={id}>Fits in</label>{' '}
      <NumberField id={id} value={Number((needed / unit).toFixed(2))} min={0} step={step} onValue={fit} />{' '}
      {name} of <Term of="GPU memory" /> with a <Term of="cache" /> of{' '}
      <NumberField
        label="Tokens in the cache"
        value={tokens}
        min={0}
        step={1024}
        onValue={(value) => {
          cacheTokens.value = Math.round(value);
        }}
      />{' '}
      tokens <span class="note number">({formatBytes(tokens * tokenBytes)})</span>
      {bits <= BITS_RANGE.min && <span class="note"> — the least that is possible</span>}
    </p>
  );
}
