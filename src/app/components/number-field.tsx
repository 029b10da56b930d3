interface NumberFieldProps {
  readonly id?: string;
  readonly label?: string;
  readonly value: number;
  readonly min: number;
  readonly max?: number;
  readonly step: number;
  readonly onValue: (value: number) => void;
}

/** A number that counts when it is finished: on Enter or when the field is left. */
export function NumberField({ id, label, value, min, max, step, onValue }: NumberFieldProps) {
  return (
    <input
      id={id}
      class="number"
      type="number"
      inputMode="decimal"
      aria-label={label}
      min={min}
      max={max}
      step={step}
      value={value}
      onChange={(event) => {
        const typed = event.currentTarget.valueAsNumber;
        if (Number.isFinite(typed) && typed >= min && typed <= (max ?? typed)) onValue(typed);
        // What came of it may be another number, or the same as before.
        else event.currentTarget.value = String(value);
      }}
    />
  );
}
