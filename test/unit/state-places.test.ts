import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import { memoryBeside } from '../../src/estimate/memory-need.ts';
import { streamedBytes } from '../../src/estimate/state-places.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import type { Control } from '../../src/job/control.ts';
import type { ConvertEvent, MemoryEvent } from '../../src/job/events.ts';
import { openModel } from '../../src/model/check/open-model.ts';
import { testGpu } from '../support/gpu.ts';
import { filesOf, tinyJob, tinyModel, tinyRows } from '../support/tiny-job.ts';
import { workerLink } from '../support/worker-links.ts';

/** What states get of every GPU: batches are as large wherever they are. */
let gpuRoom = 0;
vi.mock('../../src/pass/state-room.ts', async (original) => ({
  ...(await original<object>()),
  stateRoomOnGpu: () => gpuRoom,
}));

const MODEL = tinyModel(1);
const { source, plan } = await openModel(MODEL, {});
const { length } = await tinyRows();
const ROW_BYTES = length * plan.config.hiddenSize * 4;
/** A row takes whole granules of GPU memory. */
const GPU_ROW_BYTES = Math.ceil(ROW_BYTES / 4096) * 4096;

let root: string;
let leader: Gpu;
let worker: Gpu;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'state places '));
  leader = await testGpu();
  worker = await testGpu();
});
afterAll(async () => {
  leader.destroy();
  worker.destroy();
  await rm(root, { recursive: true });
});

interface Places {
  /** Rows for which states have room on each GPU, of all that a worker has. */
  readonly gpuRows: number;
  /** And in each worker's main memory; undefined: there is no budget. */
  readonly memoryRows?: number;
  readonly workers?: number;
  /** Sees events, and can end the conversion. */
  readonly on?: (event: ConvertEvent) => void;
  readonly control?: Control;
}

/** The output's bytes, and most bytes of states beside the GPU. */
async function run(name: string, { gpuRows, memoryRows, workers = 1, on, control }: Places) {
  gpuRoom = gpuRows * GPU_ROW_BYTES;
  const work = nodeDirectory(join(root, name));
  const output = memoryDirectory('output');
  const job = await tinyJob(leader, MODEL, { work, output });
  const emit = (event: ConvertEvent) => {
    job.emit(event);
    on?.(event);
  };
  const remotes = workers > 1 ? [workerLink('worker 2', worker, { model: MODEL, work })] : [];
  const { quantizer, headBits } = job.settings;
  const beside = memoryBeside(source, plan, quantizer.method, headBits) + streamedBytes(plan);
  const memoryBudget = memoryRows === undefined ? undefined : workers * (beside + memoryRows * ROW_BYTES);
  await convert({ ...job, emit, remotes, memoryBudget, ...(control && { control }) });
  // Its process would be ended now.
  for (const { api } of remotes) await api.beginPass([], 0);
  const { 'report.html': _, ...files } = await filesOf(output);
  const told = job.events.filter((event): event is MemoryEvent => event.type === 'memory');
  const most = (of: (event: MemoryEvent) => number) => Math.max(...told.map(of));
  return {
    files,
    memoryBytes: most(({ states }) => states.memoryBytes),
    diskBytes: most(({ states }) => states.diskBytes),
    events: job.events,
  };
}

const EVERYWHERE = Number.POSITIVE_INFINITY;
let onGpu: Awaited<ReturnType<typeof run>>;
beforeAll(async () => {
  onGpu = await run('gpu', { gpuRows: EVERYWHERE });
});

test('on the GPU they take nothing else', () => {
  expect(Object.keys(onGpu.files)).toContain('output.safetensors');
  expect([onGpu.memoryBytes, onGpu.diskBytes]).toEqual([0, 0]);
});

test.each<[string, Places, (memoryRows: number, diskRows: number) => boolean]>([
  ['in main memory', { gpuRows: 0 }, (memory, disk) => memory > 12 && disk === 0],
  ['on disk', { gpuRows: 0, memoryRows: 0 }, (memory, disk) => memory === 0 && disk > 12],
  ['in all three places', { gpuRows: 4, memoryRows: 5 }, (memory, disk) => memory === 5 && disk > 3],
  ['on disk, by two workers', { gpuRows: 0, memoryRows: 0, workers: 2 }, (_, disk) => disk > 6],
])('with states %s the output is the same to the byte', async (name, places, areThere) => {
  const { files, memoryBytes, diskBytes, events } = await run(name, places);
  expect(files).toEqual(onGpu.files);
  const rows = [memoryBytes, diskBytes].map((bytes) => bytes / ROW_BYTES);
  expect(areThere(rows[0]!, rows[1]!), `${rows} rows`).toBe(true);
  expect(events.filter(({ type }) => type === 'warning')).toEqual(
    onGpu.events.filter(({ type }) => type === 'warning'),
  );
  expect((await readdir(join(root, name))).filter((file) => file.endsWith('.partial'))).toEqual([]);
});

test('a job that was ended with states on disk goes on with them elsewhere, and finds none of the old ones', async () => {
  const stop = new AbortController();
  const ended = run('resumed', {
    ...{ gpuRows: 0, memoryRows: 0, control: { signal: stop.signal } },
    on: (event) => {
      if (event.type === 'module' && event.stage === 'quantize') stop.abort();
    },
  });
  await expect(ended).rejects.toThrow();
  const left = join(root, 'resumed', 'left.scratch.partial');
  await writeFile(left, 'of a program that was killed');
  const { files, events } = await run('resumed', { gpuRows: 3 });
  expect(files).toEqual(onGpu.files);
  const resumed = events.filter((event) => event.type === 'module' && event.resumed);
  expect(resumed).toHaveLength(1);
  expect(existsSync(left)).toBe(false);
});

test('less memory than is needed beside states is told of before the work', async () => {
  const { events, files } = await run('little', { gpuRows: 0, memoryRows: -1000 });
  const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  const ofMemory = warnings.filter((message) => message.includes('of main memory are needed'));
  expect(ofMemory).toHaveLength(1);
  expect(ofMemory[0]).toMatch(/^About .* and .* allowed, even with all calibration states on disk/);
  expect(files).toEqual(onGpu.files);
});
