/**
 * A coordinator that plays conversions from ExLlamaV2's measurement of the demo model. The worker's name says how:
 * `?model=large&gpu=software&hold=measure:5&jobs=some&pace=20&workers=4&quantize=refused`.
 */

import { expose } from 'comlink';
import type { ConvertEvent } from '../../../src/job/events.ts';
import type { CoordinatorApi } from '../../../workers/api/coordinator.ts';
import type { GpuChoice, GpuFacts } from '../../../workers/api/gpu.ts';
import type { AllocationRequest, JobRecord, JobUpdate } from '../../../workers/api/jobs.ts';
import type { ModelFacts } from '../../../workers/api/model.ts';
import type { JobOptions, JobPlan } from '../../../workers/api/options.ts';
import { mockInspected } from './mock-inspect.ts';
import { mockRecords, mockTimes, newRecord } from './mock-jobs.ts';
import { mockAllocation, mockBytes, mockMeasurement, mockModel } from './mock-model.ts';
import {
  measurementEvents,
  mockRecording,
  mockResult,
  mockWorkers,
  quantizationEvents,
} from './mock-replay.ts';
import { MockTexts } from './mock-texts.ts';

const wish = new URLSearchParams(self.name);
const pace = Number(wish.get('pace') ?? 40);
const model = mockModel(wish.get('model'));
const texts = new MockTexts(wish.get('texts'));
const records = new Map<string, JobRecord>();
/** The page talks before this is there: a worker that waited for it at its top level would miss the first calls. */
const ready = mockMeasurement(model).then((measured) => {
  for (const record of mockRecords(wish.get('jobs'), model, measured)) records.set(record.id, record);
  return measured;
});

/** In the order of their turns. */
const queue: { readonly id: string; readonly requests: readonly AllocationRequest[] }[] = [];
const busy = new Set<GpuChoice>();

let tell: (update: JobUpdate) => void = () => {};
const paused = new Set<string>();

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function change(id: string, to: Partial<JobRecord>): JobRecord {
  const record = { ...get(id), ...to, changed: Date.now() };
  records.set(id, record);
  tell({ type: 'record', record });
  return record;
}

function get(id: string): JobRecord {
  const record = records.get(id);
  if (!record) throw new Error(`No job ${id}`);
  return record;
}

/** Plays batches; tells whether they were played to the end. */
async function play(
  id: string,
  bits: number | undefined,
  batches: Iterable<ConvertEvent[]>,
): Promise<boolean> {
  const hold = wish.get('hold');
  for (const events of batches) {
    while (paused.has(id)) await wait(20);
    if (records.get(id)?.state !== 'running') return false;
    tell({ type: 'events', id, ...(bits !== undefined && { bits }), events });
    const workers = mockWorkers(wish.get('workers'), events);
    if (workers) tell({ type: 'events', id, events: [workers] });
    tell({ type: 'rates', id, read: 210e6, written: 38e6, tokens: 5120 });
    const held = events.some((e) => e.type === 'module' && `${e.stage}:${e.index}` === hold);
    const failing = events.some((e) => e.type === 'module' && `${e.stage}:${e.index}` === wish.get('fail'));
    while (held && records.get(id)?.state === 'running') await wait(20);
    if (failing) {
      change(id, { state: 'failed', error: { name: 'Error', message: 'The GPU gave no answer.' } });
      return false;
    }
    await wait(pace);
  }
  return true;
}

async function work(id: string, requests: readonly AllocationRequest[]): Promise<void> {
  const record = get(id);
  const measured = await ready;
  if (!record.measured) {
    if (!(await play(id, undefined, measurementEvents(record, measured)))) return;
    change(id, { measured: true });
  }
  if (record.options.chooseAfterMeasuring && requests.length === 0) {
    change(id, { state: 'choosing' });
    return;
  }
  for (const request of requests) {
    if (!(await play(id, request.bits, quantizationEvents(record, measured, request)))) return;
    change(id, { results: [...get(id).results, mockResult(record, measured, request)] });
  }
  change(id, { state: 'done' });
}

function enqueue(id: string, requests: readonly AllocationRequest[]): void {
  change(id, {
    state: 'waiting',
    queued: Math.max(0, ...[...records.values()].map((job) => job.queued ?? 0)) + 1,
  });
  queue.push({ id, requests });
  advance();
}

/** Begins with the first that waits for each GPU that is free. */
function advance(): void {
  for (const turn of [...queue]) {
    const { gpus = ['high-performance'] } = get(turn.id).options;
    if (gpus.some((gpu) => busy.has(gpu))) continue;
    for (const gpu of gpus) busy.add(gpu);
    queue.splice(queue.indexOf(turn), 1);
    change(turn.id, { state: 'running' });
    void work(turn.id, turn.requests).finally(() => {
      for (const gpu of gpus) busy.delete(gpu);
      advance();
    });
  }
}

const requestsOf = ({ bits, chooseAfterMeasuring }: JobOptions): AllocationRequest[] =>
  chooseAfterMeasuring ? [] : bits.map((each) => ({ bits: each, pinned: {} }));

/** How many times as long as on a fast GPU. */
function slowness({ gpus, precision }: JobOptions): number {
  if (wish.get('gpu') === 'software') return 15;
  if (wish.get('gpu') === 'matrix' && precision === 'mixed') return 0.4;
  return gpus?.[0] === 'low-power' ? 6 : 1;
}

const api: CoordinatorApi = {
  async gpu(): Promise<GpuFacts> {
    await wait(50);
    if (wish.get('gpu') === 'none') {
      throw new Error('There is no WebGPU here: navigator.gpu is missing. Use a browser that has it.');
    }
    const software = wish.get('gpu') === 'software';
    const matrix = wish.get('gpu') === 'matrix';
    return {
      name: software ? 'SwiftShader' : 'NVIDIA GeForce RTX 4070',
      software,
      features: [
        ...(software ? ['subgroups'] : ['shader-f16', 'subgroups', 'timestamp-query']),
        ...(matrix ? ['chromium-experimental-subgroup-matrix'] : []),
      ],
      maxBufferBytes: software ? 2 ** 30 : 2 ** 32 - 4,
      budgetBytes: 3e9,
      flopsPerSecond: software ? 0.54e9 : 12.3e12,
      matrixFlopsPerSecond: matrix ? 58.2e12 : 0,
    };
  },
  async secondGpu() {
    if (wish.get('gpu') !== 'two') return undefined;
    return {
      name: 'Intel Arc Graphics',
      software: false,
      features: ['shader-f16', 'subgroups'],
      maxBufferBytes: 2 ** 31,
      budgetBytes: 3e9,
      flopsPerSecond: 2.1e12,
      matrixFlopsPerSecond: 0,
    };
  },
  async inspect(source): Promise<ModelFacts> {
    await wait(30);
    if (source.kind !== 'demo' || wish.get('model') === 'broken') {
      throw new Error(
        'config.json is missing in the folder “downloads”: choose the folder that holds the model itself.',
      );
    }
    return model;
  },
  async plan(_, options): Promise<JobPlan> {
    const bytes = options.bits.map((bits) => mockBytes(model, bits * model.running!.weights));
    return {
      outputBytes: bytes,
      gpuBytes: 3.1e9,
      memoryBytes: 0.8e9,
      states: { gpuBytes: 0.5e9, memoryBytes: 0.3e9, diskBytes: 1.2e9, diskSeconds: 95 },
      diskBytes: bytes.reduce((a, b) => a + b, 0) * 2.1,
      times: mockTimes(model, slowness(options)),
      problems:
        wish.get('plan') === 'problems'
          ? [
              {
                severe: true,
                text: 'This needs 3.1 GB of GPU memory and the budget is 2 GB: raise it under “More options”.',
              },
              { severe: false, text: 'Below 2.5 bits per weight most models lose the thread.' },
            ]
          : [],
    };
  },
  async checkCalibration(_, file) {
    await wait(20);
    if (file.size === 0) throw new Error(`${file.name} has no text: it is empty, or has nothing but spaces.`);
  },
  async jobs() {
    await ready;
    if (wish.get('storage') === 'none') throw new Error('The browser lets this page keep nothing.');
    return [...records.values()];
  },
  async start(_, output, options) {
    const id = `job-${records.size + 1}`;
    const targets = requestsOf(options);
    const record = newRecord(id, model, options, targets, output.kind === 'handle' ? output.handle.name : '');
    records.set(id, record);
    enqueue(id, targets);
    return id;
  },
  async resume(id) {
    enqueue(id, requestsOf(get(id).options));
  },
  async handles() {
    return [];
  },
  async pause(id) {
    paused.add(id);
    change(id, { state: 'paused' });
  },
  async unpause(id) {
    paused.delete(id);
    change(id, { state: 'running' });
  },
  async cancel(id) {
    paused.delete(id);
    const place = queue.findIndex((turn) => turn.id === id);
    if (place >= 0) queue.splice(place, 1);
    change(id, { state: 'cancelled' });
  },
  async moveUp(id) {
    const place = queue.findIndex((turn) => turn.id === id);
    const [before, turn] = [queue[place - 1], queue[place]];
    if (!before || !turn) return;
    queue.splice(place - 1, 2, turn, before);
    const [sooner, later] = [get(before.id).queued ?? 0, get(id).queued ?? 0];
    change(id, { queued: sooner });
    change(before.id, { queued: later });
  },
  async remove(id) {
    records.delete(id);
    tell({ type: 'removed', id });
  },
  async recording(id) {
    return mockRecording(get(id), await ready);
  },
  async measurement() {
    return ready;
  },
  async kept(id) {
    const measured = await ready;
    const { measured: isMeasured } = get(id);
    const modules = isMeasured ? [] : measured.slice(0, 5);
    return { modules, quantized: isMeasured ? 3 : 0, parts: measured.length };
  },
  async inspectLinear(id, bits, place) {
    if (wish.get('inspect') === 'damaged') throw new Error('The header of model.safetensors is damaged.');
    const found = mockInspected(get(id), bits, place);
    if (wish.get('inspect') === 'nothing') return { key: found.key, k: found.k, n: found.n };
    return found;
  },
  async calibrationText() {
    return 'Once upon a time, there was a little boy named Tim. Tim liked to play with his toy boat.';
  },
  async measurementJson() {
    return { measurement: {} };
  },
  async allocate(_, request) {
    return mockAllocation(model, await ready, request);
  },
  async quantize(id, requests) {
    if (wish.get('quantize') === 'refused') throw new Error('Another conversion makes that one.');
    change(id, { targets: requests, results: [] });
    enqueue(id, requests);
  },
  async outputFiles(id, bits) {
    const files = get(id).results.find((result) => result.bits === bits)?.files ?? [];
    return files.map(({ path }) => ({ path, file: new File([path], path) }));
  },
  write: (_, __, request, listener) => texts.write(request, listener),
  async stopWriting() {
    texts.stop();
  },
  async freeModels() {},
  async watch(listener) {
    tell = listener;
  },
};

expose(api);
