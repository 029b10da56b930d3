import type { WorkerStatus } from '../../job/events.ts';
import { formatBytes, formatFlops } from '../format.ts';
import { inWords } from '../module-words.ts';
import type { JobView } from '../state/job-view.ts';
import { Meter } from './meter.tsx';
import { Term } from './term.tsx';

/** What each of several workers does, and how much of the time. */
export function WorkerPanel({ view: { workers, record } }: { view: JobView }) {
  if (workers.length < 2) return null;
  return (
    <section class="panel" aria-labelledby="workers">
      <h2 id="workers">
        {workers.length} <Term of="worker">workers</Term>
      </h2>
      <ul class="workers">
        {workers.map((worker) => (
          <li key={worker.id}>
            <Meter
              label={worker.adapter}
              share={worker.busy}
              text={`busy ${Math.round(100 * worker.busy)} %`}
              note={<WorkerNote worker={worker} doing={inWords(record.model, worker.doing)} />}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

function WorkerNote({ worker: { memoryBytes, speed }, doing }: { worker: WorkerStatus; doing: string }) {
  return (
    <span class="meter-head">
      <span class={doing === 'lost' ? 'problem-text' : undefined}>{doing}</span>
      <span class="number">
        {speed !== undefined && `${formatFlops(speed)} · `}
        {formatBytes(memoryBytes)}
      </span>
    </span>
  );
}
