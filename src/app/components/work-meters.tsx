import type { MemoryEvent } from '../../job/events.ts';
import { formatBytes, formatCount } from '../format.ts';
import type { JobView } from '../state/job-view.ts';
import { Meter } from './meter.tsx';
import { Term } from './term.tsx';

/** GPU memory against its budget; bytes in and out. */
export function WorkMeters({ view }: { view: JobView }) {
  const { memory, rates } = view;
  return (
    <section class="panel meters" aria-label="Resources">
      {memory && (
        <Meter
          label="GPU memory"
          share={memory.gpuBytes / memory.gpuBudgetBytes}
          mark={memory.gpuPeakBytes / memory.gpuBudgetBytes}
          text={`${formatBytes(memory.gpuBytes)} of ${formatBytes(memory.gpuBudgetBytes)}`}
          note={
            <>
              most so far <span class="number">{formatBytes(memory.gpuPeakBytes)}</span>,{' '}
              <Term of="GPU memory budget">why a budget?</Term>
            </>
          }
        />
      )}
      {memory && <StatesMeter states={memory.states} />}
      <dl class="rates">
        <div>
          <dt>calibration</dt>
          <dd class="number">{formatCount(rates?.tokens ?? 0)} tokens/s</dd>
        </div>
        <div>
          <dt>read</dt>
          <dd class="number">{formatBytes(rates?.read ?? 0)}/s</dd>
        </div>
        <div>
          <dt>written</dt>
          <dd class="number">{formatBytes(rates?.written ?? 0)}/s</dd>
        </div>
      </dl>
    </section>
  );
}

/** Calibration states beside those on the GPU; what the budget leaves to them is known where there is one. */
function StatesMeter({ states }: Pick<MemoryEvent, 'states'>) {
  const { memoryBytes, memoryRoomBytes, diskBytes } = states;
  const room = memoryRoomBytes ?? 0;
  return (
    <Meter
      label="States in main memory"
      share={room > 0 ? memoryBytes / room : 0}
      text={
        memoryRoomBytes === undefined
          ? formatBytes(memoryBytes)
          : `${formatBytes(memoryBytes)} of ${formatBytes(room)}`
      }
      note={
        <>
          on disk <span class="number">{formatBytes(diskBytes)}</span>,{' '}
          <Term of="calibration states">what are states?</Term>
        </>
      }
    />
  );
}
