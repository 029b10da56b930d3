/** A helper's process: opens the GPU that it sees, and does what the leader's process asks for. */

import { expose } from 'comlink';
import type { HelperApi } from '../../distribute/leader/api.ts';
import { JobHelper } from '../../distribute/worker/helper.ts';
import { openGpu } from '../../gpu/device.ts';
import { nodeDirectory } from '../../io/platform/node/node-directory.ts';
import { nodeModelDirectory } from '../../io/platform/node/node-model-directory.ts';
import { openCard } from '../cards.ts';
import type { HelperPlaces } from '../helpers.ts';
import { speedFile } from '../speed-file.ts';
import { processEndpoint } from './endpoint.ts';
import { LargeData } from './large-data.ts';

async function openHelper({
  inDir,
  workDir,
  card,
  gpu: wanted,
  budgetBytes,
}: HelperPlaces): Promise<JobHelper> {
  const { adapter, name } = await openCard(card, wanted);
  const gpu = await openGpu(adapter, budgetBytes);
  return new JobHelper({
    ...{ gpu, adapter: name, speeds: speedFile(), control: { signal: new AbortController().signal } },
    ...{ model: nodeModelDirectory(inDir), work: nodeDirectory(workDir) },
  });
}

const places = JSON.parse(process.argv[2]!) as HelperPlaces;
const large = new LargeData(places.dataFolder);
// The leader hears Ctrl-C too, and says when it is over.
process.on('SIGINT', () => {});
process.on('disconnect', () => {
  large.end();
  process.exit();
});
const opening = openHelper(places);
opening.catch(() => {}); // the leader is told when it opens the job
let helper: JobHelper;
const api: HelperApi = {
  async open(job, first) {
    helper = await opening;
    return helper.open(job, first);
  },
  status: () => helper.status(),
  measure: (...request) => helper.measure(...request),
  beginPass: (...request) => helper.beginPass(...request),
  sumRows: (index, mixed) => helper.sumRows(index, mixed),
  readSum: (piece) => helper.readSum(piece),
  runOriginal: (index, mixed) => helper.runOriginal(index, mixed),
  originalPerplexity: (mixed) => helper.originalPerplexity(mixed),
  takeSum: (...request) => helper.takeSum(...request),
  quantizeLinear: (...request) => helper.quantizeLinear(...request),
  takeLinear: (...request) => helper.takeLinear(...request),
  advanceRows: (...request) => helper.advanceRows(...request),
};
// Ended, the leader knows that there will be no answer.
const failed = (error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
};
expose(api, processEndpoint(process, large, failed));
