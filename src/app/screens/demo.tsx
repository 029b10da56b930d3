import { DemoResult } from '../components/demo-result.tsx';
import { Playback } from '../components/playback.tsx';
import { formatBits, formatRoughDuration } from '../format.ts';
import { type DemoRecording, loadDemo } from '../replay/demo-recording.ts';
import { useApp } from '../state/app-state.ts';

/** A recorded conversion of the bundled model, which needs no GPU. */
export function DemoScreen() {
  return (
    <Playback
      load={loadDemo}
      head={(recording) => <Head recording={recording} />}
      result={(recording, { view }) => <DemoResult recording={recording} view={view.value} />}
    />
  );
}

function Head({ recording }: { recording: DemoRecording | undefined }) {
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

function Facts({ recording: { record, gpu, date, batches } }: { recording: DemoRecording }) {
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
