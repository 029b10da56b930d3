import type { ComponentChildren } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { Player } from '../replay/player.ts';
import type { Recording } from '../replay/recording.ts';
import { WorkScreen } from '../screens/work.tsx';
import type { LiveJob } from '../state/live-job.ts';
import { useLoadable } from '../state/use-loadable.ts';
import { Notice } from './notice.tsx';
import { PlayerControls } from './player-controls.tsx';

interface PlaybackProps<R extends Recording> {
  /** Called once. Throws with what to say when there is none. */
  readonly load: () => Promise<R>;
  /** What stands above it, while it loads too. */
  readonly head: (recording: R | undefined) => ComponentChildren;
  /** What it came to, if that was a result. */
  readonly result: (recording: R, job: LiveJob) => ComponentChildren;
}

/** A recorded conversion, played from its start. */
export function Playback<R extends Recording>({ load, head, result }: PlaybackProps<R>) {
  const now = useLoadable(load, []).value;
  return (
    <>
      {head(now.state === 'ready' ? now.value : undefined)}
      {now.state === 'failed' && (
        <Notice kind="problem" title="The recording is not there">
          {now.failure.message}
        </Notice>
      )}
      {now.state === 'ready' && <Played recording={now.value} result={result} />}
    </>
  );
}

function Played<R extends Recording>({
  recording,
  result,
}: Pick<PlaybackProps<R>, 'result'> & { recording: R }) {
  const player = useMemo(() => new Player(recording), [recording]);
  useEffect(() => {
    if (!matchMedia('(prefers-reduced-motion: reduce)').matches) player.play();
    return () => player.pause();
  }, [player]);
  return (
    <>
      <PlayerControls player={player} />
      {player.job.record.value.state === 'done' ? (
        result(recording, player.job)
      ) : (
        <WorkScreen job={player.job} recorded />
      )}
    </>
  );
}
