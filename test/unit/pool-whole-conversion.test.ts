import { afterAll, beforeAll, expect, test } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { testGpu } from '../support/gpu.ts';
import { filesOf, tinyJob, tinyModel } from '../support/tiny-job.ts';
import { type Loss, workerLink } from '../support/worker-links.ts';

const MODEL = tinyModel(1);

let leader: Gpu;
let worker: Gpu;
beforeAll(async () => {
  leader = await testGpu();
  worker = await testGpu();
});
afterAll(() => {
  leader.destroy();
  worker.destroy();
});

/** Converts with a second worker, or alone, and maybe with a measurement that is there. */
async function run(loss?: Loss, measurement?: unknown) {
  const [work, output] = [memoryDirectory('work'), memoryDirectory('output')];
  const job = await tinyJob(leader, MODEL, { work, output });
  const remotes = loss ? [workerLink('worker 2', worker, { model: MODEL, work }, loss)] : [];
  await convert({ ...job, settings: { ...job.settings, measurement }, remotes });
  const { 'report.html': _, ...files } = await filesOf(output);
  const measured = await work.open('measurement.json');
  const json: unknown = JSON.parse(new TextDecoder().decode(await measured!.read(0, measured!.size)));
  const lost = job.events.flatMap((event) =>
    event.type === 'warning' && event.message.includes('is lost') ? [event.message] : [],
  );
  return { files, measurement: json, lost };
}

test('a conversion goes on by itself when a worker is lost in the middle of the pass', async () => {
  const alone = await run();
  const shared = await run({ method: 'quantizeLinear', call: 2, how: 'ends' }, alone.measurement);
  expect(shared.lost).toEqual([
    'worker 2 (test GPU) is lost: its process has ended (SIGKILL). The other workers do its work.',
  ]);
  expect(Object.keys(shared.files)).toContain('output.safetensors');
  expect(shared.files).toEqual(alone.files);
});
