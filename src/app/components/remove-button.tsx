import { useSignal } from '@preact/signals';

interface RemoveButtonProps {
  /** What it removes, for screen readers. */
  readonly label: string;
  readonly quiet?: boolean;
  readonly onRemove: () => void;
}

/** Removes after a second click: hours of work may be lost. */
export function RemoveButton({ label, quiet = false, onRemove }: RemoveButtonProps) {
  const asked = useSignal(false);
  const ask = (now: boolean) => () => {
    asked.value = now;
  };
  if (!asked.value) {
    return (
      <button
        type="button"
        class={quiet ? 'quiet subdued' : undefined}
        aria-label={label}
        onClick={ask(true)}
      >
        Remove
      </button>
    );
  }
  return (
    <span class="row">
      <button type="button" class="danger" onClick={onRemove}>
        Remove for good
      </button>
      <button type="button" onClick={ask(false)}>
        Keep
      </button>
    </span>
  );
}
