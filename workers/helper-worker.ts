/** A helper of the worker that started it: shares its job, with adapter and device of its own. Its name says which GPU. */

import { expose, transfer } from 'comlink';
import { JobHelper } from '../src/distribute/worker/helper.ts';
import { openGpu } from '../src/gpu/device.ts';
import { storageDirectory } from '../src/io/platform/storage.ts';
import type { Control } from '../src/job/control.ts';
import { assert } from '../src/util/errors.ts';
import { openAdapter } from './adapter.ts';
import type { GpuChoice } from './api.ts';
import { arrayBuffers } from './array-buffers.ts';
import type { HelperPlaces, HelperWorkerApi } from './helper-api.ts';
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

/** The answer, handed over instead of copied. */
const handedOver = <T>(answer: T): T => transfer(answer, arrayBuffers(answer));

let opening: Promise<JobHelper> | undefined;
let helper: JobHelper;

const api: HelperWorkerApi = {
  async begin(places, check) {
    // Before anything is waited for: the leader may ask to open the job at once.
    opening = openHelper(places, { signal: new AbortController().signal, resumed: check });
    opening.catch(() => {}); // the leader is told when it opens the job
    await holdLock(places.lock);
  },
  async open(job, first) {
    assert(opening, 'a helper is opened before it begins');
    helper = await opening;
    return helper.open(job, first);
  },
  status: () => helper.status(),
  measure: (...request) => helper.measure(...request),
  beginPass: (...request) => helper.beginPass(...request),
  sumRows: (index, mixed) => helper.sumRows(index, mixed),
  readSum: async (piece) => handedOver(await helper.readSum(piece)),
  runOriginal: (index, mixed) => helper.runOriginal(index, mixed),
  originalPerplexity: (mixed) => helper.originalPerplexity(mixed),
  takeSum: (...request) => helper.takeSum(...request),
  quantizeLinear: async (...request) => handedOver(await helper.quantizeLinear(...request)),
  takeLinear: (...request) => helper.takeLinear(...request),
  advanceRows: (...request) => helper.advanceRows(...request),
};

expose(api);
