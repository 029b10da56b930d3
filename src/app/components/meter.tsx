import type { ComponentChildren } from 'preact';

interface MeterProps {
  readonly label: string;
  /** 0…1. */
  readonly share: number;
  /** A second mark on the bar, 0…1. */
  readonly mark?: number | undefined;
  readonly text: string;
  readonly note?: ComponentChildren;
}

/** A quantity against its limit. The bar shows what the text says. */
export function Meter({ label, share, mark, text, note }: MeterProps) {
  return (
    <div class="meter">
      <div class="meter-head">
        <span>{label}</span>
        <span class="number">{text}</span>
      </div>
      <div class="bar" aria-hidden="true">
        <div class="bar-fill" style={{ transform: `scaleX(${clamp(share)})` }} />
        {mark !== undefined && <div class="bar-mark" style={{ left: `${clamp(mark) * 100}%` }} />}
      </div>
      {note && <div class="note">{note}</div>}
    </div>
  );
}

/** How much of a stage is done. */
export function ProgressBar({ label, share }: { label: string; share: number }) {
  return (
    <div
      class="bar progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share * 100)}
    >
      <div class="bar-fill" style={{ transform: `scaleX(${clamp(share)})` }} />
    </div>
  );
}

const clamp = (share: number): number => Math.min(1, Math.max(0, share));
