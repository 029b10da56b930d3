import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useId } from 'preact/hooks';

interface PlayerProps {
  /** What a step is, e.g. `row`. */
  readonly what: string;
  readonly position: Signal<number>;
  readonly steps: number;
  /** In a second, while it plays. */
  readonly rate: number;
}

const wantsStillness = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Back, play, on, and a slider: the reader owns the time. Nothing plays for who wants stillness. */
export function Player({ what, position, steps, rate }: PlayerProps) {
  const id = useId();
  const playing = useSignal(false);
  usePlaying(playing, position, steps, rate);
  const to = (value: number) => {
    playing.value = false;
    position.value = Math.min(Math.max(value, 0), steps);
  };
  return (
    <div class="player">
      <button type="button" aria-label={`−1 ${what}`} onClick={() => to(position.value - 1)}>
        −1
      </button>
      {!wantsStillness() && (
        <button
          type="button"
          class="play"
          onClick={() => {
            if (position.value === steps) position.value = 0;
            playing.value = !playing.value;
          }}
        >
          {playing.value ? 'Pause' : 'Play'}
        </button>
      )}
      <button type="button" aria-label={`+1 ${what}`} onClick={() => to(position.value + 1)}>
        +1
      </button>
      <label for={id} class="hidden">
        {what}s that are done
      </label>
      <input
        id={id}
        type="range"
        min={0}
        max={steps}
        value={position.value}
        aria-valuetext={`${position.value} of ${steps} ${what}s`}
        onInput={(event) => to(event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}

function usePlaying(playing: Signal<boolean>, position: Signal<number>, steps: number, rate: number): void {
  const on = playing.value;
  useEffect(() => {
    if (!on) return;
    const [from, started] = [position.value, performance.now()];
    let frame = requestAnimationFrame(function next(now) {
      position.value = Math.min(steps, from + Math.floor(((now - started) / 1000) * rate));
      if (position.value < steps) frame = requestAnimationFrame(next);
      else playing.value = false;
    });
    return () => cancelAnimationFrame(frame);
  }, [on, playing, position, steps, rate]);
}
