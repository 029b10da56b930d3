import { useEffect, useRef } from 'preact/hooks';
import type { JobRecord } from '../../../workers/api/jobs.ts';
import { Announcer } from '../components/announcer.tsx';
import { JobHeader } from '../components/job-header.tsx';
import { JobNotices } from '../components/job-notices.tsx';
import { ResultFiles } from '../components/result-files.tsx';
import { rescueFocus } from '../platform/focus-heading.ts';
import { useApp } from '../state/app-state.ts';
import type { LiveJob } from '../state/live-job.ts';
import { go } from '../state/route.ts';
import { ChooseScreen } from './choose.tsx';
import { ReplayScreen } from './replay.tsx';
import { ResultScreen } from './result.tsx';
import { WorkScreen } from './work.tsx';

/** Of a job: how it is now, the choice of a further bitrate for one that is done, or how it went. */
type Shown = 'now' | 'choice' | 'replay';

/** A job, in whatever state it is. */
export function JobScreen({ id, shown }: { id: string; shown: Shown }) {
  const { jobs } = useApp();
  const known = jobs.ids.value.includes(id);
  const job = known ? jobs.get(id) : undefined;
  useEffect(() => {
    if (known) void jobs.recall(id);
  }, [jobs, id, known]);
  if (job && shown === 'replay') return <ReplayScreen record={job.record.value} />;
  if (job) return <KnownJob job={job} another={shown === 'choice'} />;
  return jobs.loaded.value ? <NoJob /> : <p class="lead">Looking for the conversion…</p>;
}

function KnownJob({ job, another }: { job: LiveJob; another: boolean }) {
  const { record } = job.view.value;
  const choosing = record.state === 'choosing' || (another && record.state === 'done');
  const shown = choosing ? 'choosing' : record.state;
  const before = useRef(shown);
  useEffect(() => {
    if (before.current !== shown) rescueFocus();
    before.current = shown;
  }, [shown]);
  return (
    <>
      <JobHeader job={job} choosing={choosing} />
      <Announcer job={job} />
      <JobNotices job={job} />
      {choosing ? (
        <ChooseScreen key={record.id} record={record} />
      ) : record.state === 'done' ? (
        <ResultScreen record={record} />
      ) : (
        <>
          <FinishedFiles record={record} />
          <WorkScreen job={job} />
        </>
      )}
    </>
  );
}

/** The files of what is finished while the rest is not: they can be had whatever becomes of that. */
function FinishedFiles({ record }: { record: JobRecord }) {
  const { results, state, targets } = record;
  // The screen of the result, which has them too, comes in a moment.
  if (state === 'running' && results.length === targets.length) return null;
  return results.map((result) => <ResultFiles key={result.bits} record={record} result={result} />);
}

export function NoJob() {
  return (
    <>
      <h1>This conversion is not here</h1>
      <p class="lead">
        It was removed, it was made in another browser, or this browser has cleared what the page had kept, as
        browsers may when the disk is full or a private window is closed.
      </p>
      <div class="row">
        <button type="button" class="primary" onClick={() => go({ screen: 'start' })}>
          To the start
        </button>
      </div>
    </>
  );
}
