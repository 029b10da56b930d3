import type { ComponentChildren } from 'preact';
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
  const { id, state, error } = record;
  const warning = state === 'running' ? log.findLast((line) => line.warning) : undefined;
  return (
    <>
      {state === 'interrupted' && (
        <Notice kind="info" title="This conversion was interrupted" actions={<GoOn id={id} />}>
          The page was closed or reloaded. What was finished is kept: it goes on from the last finished
          module. The browser may ask for access to the folders again.
        </Notice>
      )}
      {state === 'cancelled' && (
        <Notice kind="info" title="This conversion was cancelled" actions={<GoOn id={id} />}>
          What was finished is kept, in case you change your mind.
        </Notice>
      )}
      {state === 'paused' && (
        <Notice kind="info" title="Paused">
          The GPU is free for other work. Nothing is lost, even if the page is closed.
        </Notice>
      )}
      {state === 'failed' && <Failed id={id} message={error ?? 'No reason was given.'} />}
      {failure && <SteeringFailed id={id} failure={failure} />}
      {warning && (
        <Notice kind="warning" title="While it works">
          {warning.text}
        </Notice>
      )}
    </>
  );
}

function Failed({ id, message }: { id: string; message: string }) {
  const full = /quota|disk is full|no space|storage is full/i.test(message);
  return (
    <Notice
      kind="problem"
      title={full ? 'There is no room left to write' : 'The conversion failed'}
      actions={<GoOn id={id} />}
    >
      <p>{message}</p>
      <p>
        {full
          ? 'Make room on the disk, or remove older conversions on the start page; then go on. What was finished is kept.'
          : 'What was finished is kept: after mending the cause, go on from there.'}
      </p>
    </Notice>
  );
}

function SteeringFailed({ id, failure }: { id: string; failure: Failure }) {
  const { jobs } = useApp();
  return (
    <Notice
      kind="problem"
      title={failure.name === 'PermissionError' ? 'The folder is locked' : 'That did not work'}
      actions={
        <GoOn id={id}>
          <button
            type="button"
            onClick={() => void pickModel().then((source) => source && jobs.resume(id, source))}
          >
            Choose the model’s folder again
          </button>
        </GoOn>
      }
    >
      {failure.message}
    </Notice>
  );
}

function GoOn({ id, children }: { id: string; children?: ComponentChildren }) {
  const { jobs } = useApp();
  const remove = async () => {
    await jobs.remove(id);
    go({ screen: 'start' });
  };
  return (
    <>
      <button type="button" class="primary" onClick={() => void jobs.resume(id)}>
        Go on
      </button>
      {children}
      <RemoveButton label="Remove this conversion" onRemove={() => void remove()} />
    </>
  );
}
