/** How a job keeps what it tells for its replay. */

import { expect, test } from 'vitest';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import { type PackedRecording, unpackBatches } from '../../src/job/recording/packed.ts';
import { JobRecorder } from '../../workers/job-recorder.ts';

const said = (message: string): ConvertEvent => ({ type: 'warning', message });
const moduleDone: ConvertEvent = {
  ...{ type: 'module', stage: 'measure', key: 'model.layers.0.mlp', index: 0, count: 1 },
  ...{ seconds: 1, resumed: false },
};
const told = (...events: ConvertEvent[]) => ({ type: 'events', events }) as const;
const rates = { type: 'rates', read: 0, written: 0, tokens: 0 } as const;

/** A job's folder, and what is in its recording. */
function setUp() {
  const folder = memoryDirectory('job');
  const kept = async () => {
    const file = await folder.open('recording.json');
    const bytes = await file?.read(0, file.size);
    return bytes && unpackBatches(JSON.parse(new TextDecoder().decode(bytes)) as PackedRecording);
  };
  return { folder, kept };
}

test('its clock stands still in pauses, in sleep and between visits', async () => {
  const { folder, kept } = setUp();
  const first = await JobRecorder.open(folder);
  first.see(told(said('one')), undefined, false, 7000);
  first.see(rates, undefined, false, 8000);
  // Paused for an hour, with rates all the while.
  for (let second = 0; second < 3600; second++) first.see(rates, undefined, true, 8000 + 1000 * second);
  first.see(told(said('two')), undefined, false, 3_608_000);
  first.see(told(moduleDone), undefined, false, 3_609_000);
  // Asleep for a day.
  first.see(told(said('three')), undefined, false, 90_009_000);
  await first.close();
  const second = await JobRecorder.open(folder);
  second.see(told(said('four')), 3, false, 55);
  second.see(told(said('five')), 3, false, 65);
  await second.close();
  expect(await kept()).toEqual([
    { time: 0, events: [said('one')] },
    { time: 2000, events: [said('two')] },
    { time: 3000, events: [moduleDone] },
    { time: 63_000, events: [said('three')] },
    { time: 63_000, bits: 3, events: [said('four')] },
    { time: 63_010, bits: 3, events: [said('five')] },
  ]);
});

test('what a module ended with is kept at once: a closed page loses no more than the job does', async () => {
  const { folder, kept } = setUp();
  const recorder = await JobRecorder.open(folder);
  recorder.see(told(said('one')), undefined, false, 0);
  recorder.see(told(moduleDone), undefined, false, 0);
  await expect.poll(kept).toEqual([said('one'), moduleDone].map((each) => ({ time: 0, events: [each] })));
});

test('a disk that is full does not end the job, and what is damaged is begun anew', async () => {
  const { folder, kept } = setUp();
  const refused = { ...folder, create: () => Promise.reject(new Error('full')) };
  const lost = await JobRecorder.open(refused);
  lost.see(told(moduleDone), undefined, false, 0);
  await lost.close();
  expect(await kept()).toBeUndefined();
  const damaged = memoryDirectory('job', { 'recording.json': '{"words": [' });
  const recorder = await JobRecorder.open({ ...damaged, create: folder.create });
  recorder.see(told(moduleDone), undefined, false, 0);
  await recorder.close();
  expect(await kept()).toEqual([{ time: 0, events: [moduleDone] }]);
});
