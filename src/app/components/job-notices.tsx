import type { ComponentChildren } from 'preact';
import type { JobRecord } from '../../../workers/api/jobs.ts';
import { gpusOf } from '../../../workers/api/options.ts';
import { pickModel } from '../platform/folders.ts';
import { keptWords } from '../stage-words.ts';
import { useApp } from '../state/app-state.ts';
import type { LiveJob } from '../state/live-job.ts';
import type { Failure } from '../state/loadable.ts';
import { isFree } from '../state/queue.ts';
import { go } from '../state/route.ts';
import { Notice } from './notice.tsx';
import { RemoveButton } from './remove-button.tsx';
import { WaitingNotice } from './waiting-notice.tsx';

/** What stopped a job, or what it wants to be known, each with a way on. */
export function JobNotices({ job }: { job: LiveJob }) {
  const { record, log } = job.view.value;
  const failure = job.failure.value;
  const warning = record.state === 'running' ? log.findLast((line) => line.warning) : undefined;
  return (
    <>
      {failure ? <SteeringFailed record={record} failure={failure} /> : <StateNotice job={job} />}
      {warning && (
        <Notice kind="warning" title="While it works">
          {warning.text}
        </Notice>
      )}
    </>
  );
}

function StateNotice({ job }: { job: LiveJob }) {
  const record = job.record.value;
  if (record.elsewhere) {
    return (
      <Notice kind="info" title="In another tab">
        This conversion is in the queue of another tab: steer it there. To go on with it here, close that tab
        and reload this one.
      </Notice>
    );
  }
  switch (record.state) {
    case 'waiting':
      return <WaitingNotice job={job} />;
    case 'interrupted':
      return <Interrupted job={job} />;
    case 'failed':
      return <Failed job={job} />;
    case 'cancelled':
      return (
        <Notice kind="info" title="This conversion was cancelled" actions={<GoOn record={record} />}>
          <Kept job={job} /> In case you change your mind, it goes on from there.
        </Notice>
      );
    case 'paused':
      return (
        <Notice kind="info" title="Paused">
          The GPU is free for other programs. Nothing is lost, even if the page is closed. What waits in the
          queue waits for this one.
        </Notice>
      );
    case 'choosing':
      return record.sourceGone ? <SourceGone record={record} /> : null;
    default:
      return null;
  }
}

function SourceGone({ record }: { record: JobRecord }) {
  return (
    <Notice kind="info" title="First, the model’s folder" actions={<ChooseAgain record={record} />}>
      The browser forgot its files when the page was closed: choose it again before you quantize.
    </Notice>
  );
}

/** How far it had come: the rest of the screen shows it too. */
function Kept({ job }: { job: LiveJob }) {
  const { quantized = 0, parts = 0 } = job.kept.value ?? {};
  const words = keptWords(job.view.value, quantized, parts);
  return <>{words ? `What was finished is kept: ${words}.` : 'No module had been finished yet.'}</>;
}

function Interrupted({ job }: { job: LiveJob }) {
  const record = job.record.value;
  return (
    <Notice kind="info" title="This conversion was interrupted" actions={<GoOn record={record} />}>
      The page was closed or reloaded. <Kept job={job} /> It goes on from there.{' '}
      {record.sourceGone
        ? 'This browser forgets which files were chosen: choose the model’s folder again.'
        : 'The browser may ask for access to the folders again.'}
    </Notice>
  );
}

/** By the error's name. */
const FAILURES: Readonly<Record<string, { readonly title: string; readonly way: string }>> = {
  FullDiskError: {
    title: 'There is no room left to write',
    way: 'Make room on the disk, or remove older conversions on the start page; then go on.',
  },
  PermissionError: {
    title: 'Its turn was skipped: a folder is locked',
    way: 'The others in the queue went on.',
  },
};

const ANY_FAILURE = {
  title: 'The conversion failed',
  way: 'After mending the cause, go on from there.',
};

function Failed({ job }: { job: LiveJob }) {
  const record = job.record.value;
  const { error } = record;
  const { title, way } = FAILURES[error?.name ?? ''] ?? ANY_FAILURE;
  return (
    <Notice kind="problem" title={title} actions={<GoOn record={record} />}>
      <p>{error?.message ?? 'No reason was given.'}</p>
      <p>
        {way} <Kept job={job} />
      </p>
    </Notice>
  );
}

function SteeringFailed({ record, failure }: { record: JobRecord; failure: Failure }) {
  return (
    <Notice
      kind="problem"
      title={failure.name === 'PermissionError' ? 'The folder is locked' : 'That did not work'}
      actions={<WayOn record={record} />}
    >
      {failure.message}
    </Notice>
  );
}

/** What helps after a failure, by the job's state: only one that has stopped can go on. */
function WayOn({ record }: { record: JobRecord }) {
  switch (record.state) {
    case 'interrupted':
    case 'failed':
    case 'cancelled':
      return <GoOn record={record}>{!record.sourceGone && <ChooseAgain record={record} />}</GoOn>;
    case 'choosing':
    case 'done':
      return record.sourceGone ? <ChooseAgain record={record} /> : null;
    default:
      return null;
  }
}

function GoOn({ record, children }: { record: JobRecord; children?: ComponentChildren }) {
  const { jobs } = useApp();
  const { id, sourceGone } = record;
  const remove = async () => {
    await jobs.remove(id);
    go({ screen: 'start' });
  };
  return (
    <>
      {sourceGone ? (
        <ChooseAgain record={record} />
      ) : (
        <button type="button" class="primary" onClick={() => void jobs.resume(id)}>
          {isFree(jobs.queue.value, gpusOf(record.options)) ? 'Go on' : 'Go on in the queue'}
        </button>
      )}
      {children}
      <RemoveButton label="Remove this conversion" onRemove={() => void remove()} />
    </>
  );
}

function ChooseAgain({ record: { id, sourceGone } }: { record: JobRecord }) {
  const { jobs } = useApp();
  const choose = async () => {
    const source = await pickModel();
    if (source) await jobs.resume(id, source);
  };
  return (
    <button type="button" class={sourceGone ? 'primary' : undefined} onClick={() => void choose()}>
      Choose the model’s folder again
    </button>
  );
}
