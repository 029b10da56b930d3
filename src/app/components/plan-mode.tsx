import { formatBits } from '../format.ts';
import { useApp } from '../state/app-state.ts';

/** The two ways to a bitrate. */
export function PlanMode() {
  const { draft } = useApp();
  const bits = draft.bits.value.map(formatBits).join(' and ');
  const choose = (after: boolean) => () => {
    draft.chooseAfterMeasuring.value = after;
  };
  const after = draft.chooseAfterMeasuring.value;
  return (
    <fieldset class="field">
      <legend>How to choose</legend>
      <label class="option">
        <input type="radio" name="mode" checked={!after} onChange={choose(false)} />
        <span>
          Take <span class="number">{bits}</span> bits and go through to the end
        </span>
      </label>
      <label class="option">
        <input type="radio" name="mode" checked={after} onChange={choose(true)} />
        <span>Measure first, see what each bitrate costs this model, then choose</span>
      </label>
    </fieldset>
  );
}
