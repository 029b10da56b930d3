/** What is too large for a GPU's buffers is cut, and the output is the same to the byte. */

import { createHash } from 'node:crypto';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import { measuringNeed } from '../../src/estimate/gpu-need.ts';
import { wholeHeadNeed } from '../../src/estimate/head-need.ts';
import { headParams } from '../../src/exl2/candidates.ts';
import { resolveGroups } from '../../src/exl2/groups.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { PANEL_BYTES } from '../../src/gpu/matrix/panels.ts';
import type { WritableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { QUANTIZERS } from '../../src/job/settings.ts';
import { openModel } from '../../src/model/check/open-model.ts';
import { headSlices } from '../../src/model/gpu/weights.ts';
import { wideModel } from '../support/beside-models.ts';
import { smallGpu, testGpu } from '../support/gpu.ts';
import { tinyJob, tinyRows } from '../support/tiny-job.ts';

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

/** The largest that a weight, a Hessian or the columns of a factor may take: 320 rows of 256 columns. */
const LIMIT = 320 * 256 * 4;
/** Of the calibration row: one, as smaller batches would give sums of other last bits. */
const LENGTH = 24;
const HEAD = 'lm_head.weight';
const MLP_HESSIAN = 'Hessian of model.layers.0.mlp preDown';

/** What a conversion has of the GPU, from when the fastest kernels are chosen. */
interface Limits {
  /** Bytes of a buffer. */
  readonly buffer?: number;
  /** Bytes of all buffers. */
  readonly budget?: number;
}

async function converted(gpu: Gpu, { buffer, budget }: Limits = {}) {
  const acquire = vi.spyOn(gpu.memory, 'acquire');
  if (buffer !== undefined) gpu.panelBytes = 128 * 320 * 4;
  const places = { work: memoryDirectory('work'), output: memoryDirectory('output') };
  const job = await tinyJob(gpu, await wideModel(), places);
  const all = await tinyRows();
  const row = { ...all, rows: 1, length: LENGTH, ids: all.ids.slice(0, LENGTH) };
  const rows = async () => row;
  const emit: typeof job.emit = (event) => {
    job.emit(event);
    if (event.type !== 'start') return;
    acquire.mockClear();
    if (buffer !== undefined) vi.spyOn(gpu.memory, 'largestBuffer', 'get').mockReturnValue(buffer);
    if (budget !== undefined) vi.spyOn(gpu.memory, 'budget', 'get').mockReturnValue(budget);
  };
  const calibration = { ...job.calibration, measurement: rows, quantization: rows };
  await convert({ ...job, emit, calibration, settings: { ...job.settings, quantizer: QUANTIZERS.refined } });
  const { calls } = acquire.mock;
  vi.restoreAllMocks();
  return {
    files: await digestsOf(places.output),
    largest: Math.max(...calls.map(([bytes]) => bytes)),
    /** How often something was given memory. */
    count: (label: string) => calls.filter(([, given]) => given === label).length,
    adjusted: job.events.filter(({ type }) => type === 'adjustment'),
  };
}

/** With all the memory and buffers that the adapter has. */
let whole: Awaited<ReturnType<typeof converted>>;
beforeAll(async () => {
  whole = await converted(gpu);
  expect(Object.keys(whole.files).length).toBeGreaterThan(1);
});

test('weights in slices, Hessians in panels, few candidates at a time', async () => {
  const cut = await converted(gpu, { buffer: LIMIT });
  expect(whole.largest).toBeGreaterThan(2 * LIMIT);
  expect(cut.largest).toBeLessThanOrEqual(LIMIT);
  expect(cut.files).toEqual(whole.files);
});

test('a head slice by slice, candidates in parts', async () => {
  const { plan } = await openModel(await wideModel(), {});
  const shape = { rows: 1, length: LENGTH };
  const needs = [
    measuringNeed(plan, shape, QUANTIZERS.refined),
    wholeHeadNeed(plan, LENGTH, QUANTIZERS.refined),
  ];
  const little = await converted(gpu, { buffer: LIMIT, budget: Math.min(...needs) - 1 });
  // For each group of the head every slice of it is made again, from what stays on the GPU of the file.
  const slices = headSlices(plan.head, LIMIT).length;
  expect(slices).toBeGreaterThan(2);
  expect(little.count(HEAD)).toBeGreaterThan(slices * resolveGroups(plan.head.k, headParams(6)).length);
  expect(little.count(`file bytes of ${HEAD}`)).toBeLessThan(slices * 5);
  // Two parts to measure, and the quantization; a Hessian is in three panels.
  expect([whole.count(MLP_HESSIAN), little.count(MLP_HESSIAN)]).toEqual([2, 3 * 3]);
  expect(little.adjusted).toEqual([]);
  expect(little.files).toEqual(whole.files);
});

test('a device with no more than WebGPU guarantees', async () => {
  const guaranteed = await smallGpu();
  expect(guaranteed.memory.largestBuffer).toBe(2 ** 27);
  const small = await converted(guaranteed);
  guaranteed.destroy();
  expect(small.files).toEqual(whole.files);
});
