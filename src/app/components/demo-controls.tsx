import { type DemoPlayer, PACES, type Pace } from '../demo/player.ts';
import { formatCountdown } from '../format.ts';

const PACE_WORDS: Readonly<Record<Pace, string>> = { slow: 'slow', normal: 'normal', fast: 'fast' };

/** Play, step, and where in the recording it is. */
export function DemoControls({ player }: { player: DemoPlayer }) {
  const { playing, pace, time, duration, isOver } = player;
  return (
    <section class="demo-controls" aria-label="Recording">
      <div class="row">
        <button
          type="button"
          class="primary"
          onClick={() => (playing.value ? player.pause() : player.play())}
        >
          {playing.value ? 'Pause' : isOver.value ? 'Play again' : 'Play'}
        </button>
        <button type="button" disabled={isOver.value} onClick={() => player.step()}>
          Step
        </button>
        <button type="button" disabled={isOver.value} onClick={() => player.seek(duration)}>
          To the result
        </button>
        <label>
          pace{' '}
          <select
            value={pace.value}
            onChange={(event) => {
              pace.value =
                (Object.keys(PACES) as Pace[]).find((each) => each === event.currentTarget.value) ?? 'normal';
            }}
          >
            {(Object.keys(PACES) as Pace[]).map((each) => (
              <option key={each} value={each}>
                {PACE_WORDS[each]}: {Math.round(duration / 1000 / PACES[each])} times as fast
              </option>
            ))}
          </select>
        </label>
      </div>
      <input
        type="range"
        aria-label="Place in the recording"
        aria-valuetext={`${formatCountdown(time.value / 1000)} of ${formatCountdown(duration / 1000)}`}
        min={0}
        max={duration}
        step={duration / 200}
        value={time.value}
        onInput={(event) => {
          player.pause();
          player.seek(event.currentTarget.valueAsNumber);
        }}
      />
      <p class="note number">
        {formatCountdown(time.value / 1000)} of {formatCountdown(duration / 1000)}
      </p>
    </section>
  );
}
