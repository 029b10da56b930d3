import { formatCountdown } from '../format.ts';
import { PACES, type Pace, type Player } from '../replay/player.ts';

const PACE_WORDS: Readonly<Record<Pace, string>> = { slow: 'slow', normal: 'normal', fast: 'fast' };

/** Play, step, and where in the recording it is. */
export function PlayerControls({ player }: { player: Player }) {
  const { recording, playing, pace, time, duration, isOver } = player;
  return (
    <section class="player-controls" aria-label="Recording">
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
          {recording.end.state === 'done' ? 'To the result' : 'To its end'}
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
                {PACE_WORDS[each]}: {speedWords(duration / 1000 / PACES[each])}
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

/** @param speed how many times as fast as it was */
const speedWords = (speed: number): string =>
  speed >= 1.5
    ? `${Math.round(speed)} times as fast`
    : speed > 0.67
      ? 'as fast as it was'
      : `${Math.round(1 / speed)} times as slow`;
