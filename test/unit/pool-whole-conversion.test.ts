import { afterAll, beforeAll, expect, test } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { testGpu } from '../support/gpu.ts';
import { helperLink, type Loss } from '../support/helper-links.ts';
import { filesOf, tinyJob, tinyModel } from '../support/tiny-job.ts';

const MODEL = tinyModel(1);

let leader: Gpu;
let helper: Gpu;
beforeAll(async () => {
  leader = await testGpu();
  helper = await testGpu();
});
afterAll(() => {
  leader.destroy();
  helper.destroy();
});

/** Converts with one helper, or with none, and maybe with a measurement that is there. */
async function run(loss?: Loss, measurement?: unknown) {
  const [work, output] = [memoryDirectory('work'), memoryDirectory('output')];
  const job = await tinyJob(leader, MODEL, { work, output });
  const helpers = loss ? [helperLink('worker 2', helper, { model: MODEL, work }, loss)] : [];
  await convert({ ...job, settings: { ...job.settings, measurement }, helpers });
  const { 'report.html': _, ...files } = await filesOf(output);
  const measured = await work.open('measurement.json');
  const json: unknown = JSON.parse(new TextDecoder().decode(await measured!.read(0, measured!.size)));
  const lost = job.events.flatMap((event) =>
    event.type === 'warning' && event.message.includes('is lost') ? [event.message] : [],
  );
  return { files, measurement: json, lost };
}

test('a conversion goes on by itself when a helper is lost in the middle of the pass', async () => {
  const alone = await run();
  const helped = await run({ method: 'quantizeLinear', call: 2, how: 'ends' }, alone.measurement);
  expect(helped.lost).toEqual([
    'worker 2 (test GPU) is lost: its process has ended (SIGKILL). The other workers do its work.',
  ]);
  expect(Object.keys(helped.files)).toContain('output.safetensors');
  expect(helped.files).toEqual(alone.files);
});
