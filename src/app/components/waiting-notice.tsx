import { useApp } from '../state/app-state.ts';
import type { LiveJob } from '../state/live-job.ts';
import { formatRoute } from '../state/route.ts';
import { Notice } from './notice.tsx';
import { placeWords, startWords, usePlace, useStart } from './queue-section.tsx';

/** Where a job stands in the queue. */
export function WaitingNotice({ job }: { job: LiveJob }) {
  const { jobs } = useApp();
  const place = usePlace(job);
  const starts = startWords(useStart(job));
  const { id } = job.record.value;
  const moveUp = (
    <button type="button" onClick={() => void jobs.steer(id, 'moveUp')}>
      Move up
    </button>
  );
  return (
    <Notice kind="info" title="In the queue" actions={place > 1 && moveUp}>
      <p>
        It is {placeWords(place)}
        {starts && `, and ${starts}`}. <a href={formatRoute({ screen: 'start' })}>The queue</a> goes on by
        itself while this page is open; after a reload it waits for your click.
      </p>
    </Notice>
  );
}
