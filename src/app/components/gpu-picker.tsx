import type { GpuChoice, GpuFacts } from '../../../workers/api.ts';
import { formatFlops } from '../format.ts';
import { useApp } from '../state/app-state.ts';
import { latestValue } from '../state/loadable.ts';

/** Which of two GPUs works on it; nothing where there is one. */
export function GpuPicker() {
  const { gpu, secondGpu } = useApp();
  const [fast, frugal] = [latestValue(gpu.value), secondGpu.value];
  if (!fast || !frugal) return null;
  return (
    <fieldset class="field">
      <legend class="hidden">Which GPU</legend>
      <Choice choice="high-performance" facts={fast} />
      <Choice choice="low-power" facts={frugal} />
      <p class="note">Each works through a queue of its own: two conversions can run side by side.</p>
    </fieldset>
  );
}

function Choice({ choice, facts }: { choice: GpuChoice; facts: GpuFacts }) {
  const { draft } = useApp();
  return (
    <label class="option">
      <input
        type="radio"
        name="gpu"
        checked={draft.gpu.value === choice}
        onChange={() => draft.chooseGpu(choice, facts)}
      />
      <span>
        {facts.name} <span class="note number">{formatFlops(facts.flopsPerSecond)}</span>
      </span>
    </label>
  );
}
