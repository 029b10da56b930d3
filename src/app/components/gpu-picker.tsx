import type { GpuFacts } from '../../../workers/api/gpu.ts';
import type { Gpus } from '../../../workers/api/options.ts';
import { formatFlops } from '../format.ts';
import { useApp } from '../state/app-state.ts';
import { latestValue } from '../state/loadable.ts';

/** Which of two GPUs works on it, or both; nothing where there is one. */
export function GpuPicker() {
  const { gpu, secondGpu } = useApp();
  const [fast, frugal] = [latestValue(gpu.value), secondGpu.value];
  if (!fast || !frugal) return null;
  return (
    <fieldset class="field">
      <legend class="hidden">Which GPU</legend>
      <Choice choice={['high-performance']} facts={[fast]} label={fast.name} />
      <Choice choice={['low-power']} facts={[frugal]} label={frugal.name} />
      <Choice choice={['high-performance', 'low-power']} facts={[fast, frugal]} label="Both share the work" />
      <p class="note">
        Each works through a queue of its own: two conversions can run side by side. One that both share waits
        for both.
      </p>
    </fieldset>
  );
}

interface ChoiceProps {
  readonly choice: Gpus;
  readonly facts: readonly GpuFacts[];
  readonly label: string;
}

function Choice({ choice, facts, label }: ChoiceProps) {
  const { draft } = useApp();
  const speed = facts.reduce((sum, { flopsPerSecond }) => sum + flopsPerSecond, 0);
  return (
    <label class="option">
      <input
        type="radio"
        name="gpu"
        checked={draft.gpus.value.join() === choice.join()}
        onChange={() => draft.chooseGpus(choice, facts)}
      />
      <span>
        {label} <span class="note number">{formatFlops(speed)}</span>
      </span>
    </label>
  );
}
