/** A worker's process: opens the GPU that it sees, and does what the leader's process asks for. */

import { expose } from 'comlink';
import { JobWorker } from '../../distribute/worker/job-worker.ts';
import { serve } from '../../distribute/worker/serve.ts';
import { openGpu } from '../../gpu/device.ts';
import { nodeDirectory } from '../../io/platform/node/node-directory.ts';
import { nodeModelDirectory } from '../../io/platform/node/node-model-directory.ts';
import { openCard } from '../cards.ts';
import { speedFile } from '../speed-file.ts';
import type { WorkerPlaces } from '../worker-processes.ts';
import { processEndpoint } from './endpoint.ts';
import { LargeData } from './large-data.ts';

async function openWorker({
  inDir,
  workDir,
  card,
  gpu: wanted,
  budgetBytes,
}: WorkerPlaces): Promise<JobWorker> {
  const { adapter, name } = await openCard(card, wanted);
  const gpu = await openGpu(adapter, budgetBytes);
  return new JobWorker({
    ...{ gpu, adapter: name, speeds: speedFile(), control: { signal: new AbortController().signal } },
    ...{ model: nodeModelDirectory(inDir), work: nodeDirectory(workDir) },
  });
}

const places = JSON.parse(process.argv[2]!) as WorkerPlaces;
const large = new LargeData(places.dataFolder);
// The leader hears Ctrl-C too, and says when it is over.
process.on('SIGINT', () => {});
process.on('disconnect', () => {
  large.end();
  process.exit();
});
const opening = openWorker(places);
opening.catch(() => {}); // the leader is told when it opens the job
// Ended, the leader knows that there will be no answer.
const failed = (error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
};
expose(
  serve(() => opening),
  processEndpoint(process, large, failed),
);
