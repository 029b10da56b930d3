import type { ComponentChildren } from 'preact';
import { Notice } from '../../components/notice.tsx';
import { type Failure, type Loadable, latestValue } from '../../state/loadable.ts';
import { workerLost } from '../lesson-state.ts';

interface LoadedProps<T> {
  readonly of: Loadable<T>;
  readonly children: (value: T) => ComponentChildren;
}

/** A figure once its data are there; the last one stays while new ones are computed. */
export function Loaded<T>({ of, children }: LoadedProps<T>) {
  if (workerLost.value || of.state === 'failed') return <NoData why={of} />;
  const value = latestValue(of);
  if (value === undefined) return <p class="note figure-wait">Computing on this device’s processor…</p>;
  return <div class={of.state === 'loading' ? 'figure-body stale' : 'figure-body'}>{children(value)}</div>;
}

const LOST: Failure = {
  name: 'Error',
  message: 'What computes the figures could not be started, or has ended. Load the page again.',
};

/** In place of a figure that failed, or whose worker is lost. */
export function NoData({ why }: { why: Loadable<unknown> }) {
  const { message } = why.state === 'failed' ? why.failure : LOST;
  return (
    <Notice kind="problem" title="This figure has no data">
      {message}
    </Notice>
  );
}

interface ReadoutProps {
  readonly label: ComponentChildren;
  readonly value: string;
  /** Colours it as one of two sides. */
  readonly side?: 'one' | 'other';
}

/** A number with what it is. */
export function Readout({ label, value, side }: ReadoutProps) {
  return (
    <p class={side ? `readout-number ${side}` : 'readout-number'}>
      <span class="number">{value}</span>
      <span class="note">{label}</span>
    </p>
  );
}

interface SegmentsProps<T> {
  readonly label: string;
  readonly options: readonly T[];
  readonly value: T;
  readonly text?: (option: T) => string;
  readonly onChange: (option: T) => void;
}

/** One of a few, all of them in view. */
export function Segments<T extends string | number>({
  label,
  options,
  value,
  text = String,
  onChange,
}: SegmentsProps<T>) {
  return (
    <fieldset class="segments">
      <legend class="note">{label}</legend>
      {options.map((option) => (
        <button key={option} type="button" aria-pressed={option === value} onClick={() => onChange(option)}>
          {text(option)}
        </button>
      ))}
    </fieldset>
  );
}
