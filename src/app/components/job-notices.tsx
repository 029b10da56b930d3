import type { ComponentChildren } from 'preact';
import type { JobRecord } from '../../../workers/api.ts';
import { pickModel } from '../platform/folders.ts';
import { useApp } from '../state/app-state.ts';
import type { LiveJob } from '../state/job-list.ts';
import type { Failure } from '../state/loadable.ts';
import { go } from '../state/route.ts';
import { Notice } from './notice.tsx';
import { RemoveButton } from './remove-button.tsx';

/** What stopped a job, or what it wants to be known, each with a way on. */
export function JobNotices({ job }: { job: LiveJob }) {
  const { record, log } = job.view.value;
  const failure = job.failure.value;
  const warning = record.state === 'running' ? log.findLast((line) => line.warning) : undefined;
  return (
    <>
      {failure ? <SteeringFailed record={record} failure={failure} /> : <StateNotice record={record} />}
      {warning && (
        <Notice kind="warning" title="While it works">
          {warning.text}
        </Notice>
      )}
    </>
  );
}

function StateNotice({ record }: { record: JobRecord }) {
  switch (record.state) {
    case 'interrupted':
      return <Interrupted record={record} />;
    case 'failed':
      return <Failed record={record} />;
    case 'cancelled':
      return (
        <Notice kind="info" title="This conversion was cancelled" actions={<GoOn record={record} />}>
          What was finished is kept, in case you change your mind.
        </Notice>
      );
    case 'paused':
      return (
        <Notice kind="info" title="Paused">
          The GPU is free for other work. Nothing is lost, even if the page is closed.
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

function Interrupted({ record }: { record: JobRecord }) {
  return (
    <Notice kind="info" title="This conversion was interrupted" actions={<GoOn record={record} />}>
      The page was closed or reloaded. What was finished is kept: it goes on from the last finished module.{' '}
      {record.sourceGone
        ? 'This browser forgets which files were chosen: choose the model’s folder again.'
        : 'The browser may ask for access to the folders again.'}
    </Notice>
  );
}

function Failed({ record }: { record: JobRecord }) {
  const { error } = record;
  const full = error?.name === 'FullDiskError';
  return (
    <Notice
      kind="problem"
      title={full ? 'There is no room left to write' : 'The conversion failed'}
      actions={<GoOn record={record} />}
    >
      <p>{error?.message ?? 'No reason was given.'}</p>
      <p>
        {full
          ? 'Make room on the disk, or remove older conversions on the start page; then go on. What was finished is kept.'
          : 'What was finished is kept: after mending the cause, go on from there.'}
      </p>
    </Notice>
  );
}

function SteeringFailed({ record, failure }: { record: JobRecord; failure: Failure }) {
  return (
    <Notice
      kind="problem"
      title={failure.name === 'PermissionError' ? 'The folder is locked' : 'That did not work'}
      actions={<GoOn record={record}>{!record.sourceGone && <ChooseAgain record={record} />}</GoOn>}
    >
      {failure.message}
    </Notice>
  );
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
          Go on
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
