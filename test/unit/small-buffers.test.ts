/** What is too large for a GPU's buffers is cut, and the output is the same to the byte. */

import { createHash } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import { PANEL_BYTES } from '../../src/gpu/matrix/panels.ts';
import type { WritableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { QUANTIZERS, type QuantizerSettings } from '../../src/job/settings.ts';
import { wideModel } from '../support/beside-models.ts';
import { testGpu } from '../support/gpu.ts';
import { tinyJob } from '../support/tiny-job.ts';

const gpu = await testGpu();
afterEach(() => {
  vi.restoreAllMocks();
  gpu.panelBytes = PANEL_BYTES;
});

/** Digests of the weights and of config.json, by path. */
async function digestsOf(directory: WritableDirectory): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { path } of await directory.list()) {
    const file = (await directory.open(path))!;
    if (!/safetensors$|config\.json$/.test(path)) continue;
    files[path] = createHash('sha256')
      .update(await file.read(0, file.size))
      .digest('hex');
  }
  return files;
}

/** @param limit bytes of a buffer, from when the fastest kernels are chosen. */
async function converted(quantizer: QuantizerSettings, limit?: number) {
  const acquire = vi.spyOn(gpu.memory, 'acquire');
  const places = { work: memoryDirectory('work'), output: memoryDirectory('output') };
  const job = await tinyJob(gpu, await wideModel(), places);
  const emit: typeof job.emit = (event) => {
    if (event.type !== 'start') return;
    acquire.mockClear();
    if (limit !== undefined) vi.spyOn(gpu.memory, 'largestBuffer', 'get').mockReturnValue(limit);
  };
  await convert({ ...job, emit, settings: { ...job.settings, quantizer } });
  const largest = Math.max(...acquire.mock.calls.map(([bytes]) => bytes));
  return { files: await digestsOf(places.output), largest };
}

test('weights in slices, Hessians in panels, few candidates at a time', async () => {
  const whole = await converted(QUANTIZERS.refined);
  // The largest that a weight, a Hessian or the columns of a factor may take: 320 rows of 256 columns.
  const limit = 320 * 256 * 4;
  expect(whole.largest).toBeGreaterThan(2 * limit);
  vi.restoreAllMocks();
  gpu.panelBytes = 128 * 320 * 4;
  const cut = await converted(QUANTIZERS.refined, limit);
  expect(cut.largest).toBeLessThanOrEqual(limit);
  expect(Object.keys(whole.files).length).toBeGreaterThan(1);
  expect(cut.files).toEqual(whole.files);
});
