/** A helper of the worker that started it: shares its job, with adapter and device of its own. Its name says which GPU. */

import { expose } from 'comlink';
import { JobHelper } from '../src/distribute/worker/helper.ts';
import { serve } from '../src/distribute/worker/serve.ts';
import { openGpu } from '../src/gpu/device.ts';
import { storageDirectory } from '../src/io/platform/storage.ts';
import type { Control } from '../src/job/control.ts';
import { openAdapter } from './adapter.ts';
import type { GpuChoice } from './api/gpu.ts';
import { handedOver } from './array-buffers.ts';
import type { HelperPlaces } from './helper-api.ts';
import { keptSpeeds } from './kept-speeds.ts';
import { openSource } from './places.ts';
import { holdLock } from './worker-lock.ts';

async function openHelper(
  { source, work, gpuBudgetBytes }: HelperPlaces,
  control: Control,
): Promise<JobHelper> {
  const { adapter, name } = await openAdapter(self.name as GpuChoice);
  const gpu = await openGpu(adapter, gpuBudgetBytes);
  return new JobHelper({
    ...{ gpu, adapter: name, speeds: keptSpeeds, control },
    ...{ model: openSource(source), work: await storageDirectory(work) },
  });
}

let opening: Promise<JobHelper>;

async function begin(places: HelperPlaces, check: () => Promise<void>): Promise<void> {
  // Before anything is waited for: the leader may ask to open the job at once.
  opening = openHelper(places, { signal: new AbortController().signal, resumed: check });
  opening.catch(() => {}); // the leader is told when it opens the job
  await holdLock(places.lock);
}

expose({ begin, helper: serve(() => opening, handedOver) });
