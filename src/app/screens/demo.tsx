import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { DemoControls } from '../components/demo-controls.tsx';
import { DemoResult } from '../components/demo-result.tsx';
import { Notice } from '../components/notice.tsx';
import { DemoPlayer } from '../demo/player.ts';
import { loadRecording, type Recording } from '../demo/recording.ts';
import { formatBits, formatRoughDuration } from '../format.ts';
import { useApp } from '../state/app-state.ts';
import { failureOf, type Loadable } from '../state/loadable.ts';
import { WorkScreen } from './work.tsx';

/** A recorded conversion of the bundled model, which needs no GPU. */
export function DemoScreen() {
  const player = useSignal<Loadable<DemoPlayer>>({ state: 'loading' });
  useEffect(() => {
    let present: DemoPlayer | undefined;
    let left = false;
    const load = async () => {
      try {
        present = new DemoPlayer(await loadRecording());
        if (left) return;
        player.value = { state: 'ready', value: present };
        if (!matchMedia('(prefers-reduced-motion: reduce)').matches) present.play();
      } catch (error) {
        player.value = { state: 'failed', failure: failureOf(error) };
      }
    };
    void load();
    return () => {
      left = true;
      present?.pause();
    };
  }, [player]);
  const now = player.value;
  return (
    <>
      <Head recording={now.state === 'ready' ? now.value.recording : undefined} />
      {now.state === 'failed' && (
        <Notice kind="problem" title="The recording is not there">
          {now.failure.message}
        </Notice>
      )}
      {now.state === 'ready' && <Played player={now.value} />}
    </>
  );
}

function Head({ recording }: { recording: Recording | undefined }) {
  const app = useApp();
  const blocked = app.gpu.value.state === 'failed';
  return (
    <div class="job-header">
      <div>
        <h1>A recorded conversion</h1>
        <p class="lead">
          {recording ? <Facts recording={recording} /> : 'Loading it…'}
          {blocked && ' To convert here, a browser with WebGPU is needed.'}
        </p>
      </div>
      <button type="button" disabled={blocked} onClick={() => app.choose({ kind: 'demo' })}>
        Convert it here
      </button>
    </div>
  );
}

function Facts({ recording: { record, gpu, date, batches } }: { recording: Recording }) {
  const seconds = (batches.at(-1)?.time ?? 0) / 1000;
  return (
    <>
      {record.modelName}, a small model of children’s stories, to{' '}
      <span class="number">{formatBits(record.options.bits[0] ?? 0)}</span> bits per weight: every event and
      every figure as they were on {date} with {gpu.software ? `${gpu.name}, on a busy CPU` : gpu.name}, where
      it took {formatRoughDuration(seconds)}.
    </>
  );
}

function Played({ player }: { player: DemoPlayer }) {
  const { record } = player.job.view.value;
  return (
    <>
      <DemoControls player={player} />
      {record.state === 'done' ? (
        <DemoResult recording={player.recording} record={record} view={player.job.view.value} />
      ) : (
        <WorkScreen job={player.job} recorded />
      )}
    </>
  );
}
