/** Another worker of a job than the GPU worker that started it: shares its work. Adapter and device are its own; its name says which GPU. */

import { expose } from 'comlink';
import { JobWorker } from '../src/distribute/worker/job-worker.ts';
import { serve } from '../src/distribute/worker/serve.ts';
import { openGpu } from '../src/gpu/device.ts';
import { storageDirectory } from '../src/io/platform/storage/storage.ts';
import type { Control } from '../src/job/control.ts';
import { openAdapter } from './adapter.ts';
import type { GpuChoice } from './api/gpu.ts';
import { handedOver } from './array-buffers.ts';
import type { JobWorkerPlaces } from './job-worker-api.ts';
import { keptSpeeds } from './kept-speeds.ts';
import { openSource } from './places.ts';
import { holdLock } from './worker-lock.ts';

async function openWorker(
  { source, work, gpuBudgetBytes }: JobWorkerPlaces,
  control: Control,
): Promise<JobWorker> {
  const { adapter, name } = await openAdapter(self.name as GpuChoice);
  const gpu = await openGpu(adapter, gpuBudgetBytes);
  return new JobWorker({
    ...{ gpu, adapter: name, speeds: keptSpeeds, control },
    ...{ model: openSource(source), work: await storageDirectory(work) },
  });
}

let opening: Promise<JobWorker>;

async function prepare(places: JobWorkerPlaces, check: () => Promise<void>): Promise<void> {
  opening = openWorker(places, { signal: new AbortController().signal, resumed: check });
  await opening;
}

const served = serve(() => opening, handedOver);
expose(Object.assign(Object.create(served) as typeof served, { begin: holdLock, prepare }));
