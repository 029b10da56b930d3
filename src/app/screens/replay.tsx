import type { JobRecord } from '../../../workers/api/jobs.ts';
import { Playback } from '../components/playback.tsx';
import { formatRoughDuration } from '../format.ts';
import { bitratesText } from '../job-words.ts';
import { jobRecording, type Recording } from '../replay/recording.ts';
import { useApp } from '../state/app-state.ts';
import { formatRoute } from '../state/route.ts';
import { ResultScreen } from './result.tsx';

/** A conversion of this browser, as it went. */
export function ReplayScreen({ record }: { record: JobRecord }) {
  const { api } = useApp();
  return (
    <Playback
      load={async () => jobRecording(record, await api.recording(record.id))}
      head={(recording) => <Head record={record} recording={recording} />}
      result={() => <ResultScreen record={record} />}
    />
  );
}

function Head({ record, recording }: { record: JobRecord; recording: Recording | undefined }) {
  return (
    <div class="job-header">
      <div>
        <h1>{record.modelName}, replayed</h1>
        <p class="lead">{recording ? <Facts recording={recording} /> : 'Loading it…'}</p>
      </div>
      <a class="button" href={formatRoute({ screen: 'job', id: record.id })}>
        {record.state === 'done' ? 'Back to the result' : 'Back to the conversion'}
      </a>
    </div>
  );
}

function Facts({ recording: { end, batches } }: { recording: Recording }) {
  const seconds = (batches.at(-1)?.time ?? 0) / 1000;
  return (
    <>
      The conversion to <span class="number">{bitratesText(end)}</span> of{' '}
      {new Date(end.created).toLocaleDateString('en', { dateStyle: 'long' })}, every event as it was. It
      worked for {formatRoughDuration(seconds)}; pauses and interruptions are left out.
    </>
  );
}
