import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { measurementToJson } from '../../src/measurement/measurement-json.ts';
import { candidateBits, candidatesOf } from '../../src/measurement/module-candidates.ts';
import { openModel } from '../../src/model/check/open-model.ts';
import type { GpuFacts } from '../../workers/api/gpu.ts';
import type { JobOptions } from '../../workers/api/options.ts';
import { asOneGpu, otherGpusOf } from '../../workers/gpu-choice.ts';
import { pageFacts } from '../../workers/model-facts.ts';
import type { OpenedModel } from '../../workers/open-source.ts';
import { planJob } from '../../workers/plan-job.ts';

const OPTIONS: JobOptions = {
  bits: [4, 5],
  headBits: 6,
  quantizer: 'refined',
  preset: 'quick',
  chooseAfterMeasuring: false,
  gpuBudgetBytes: 2 ** 30,
  seed: 0,
};
const GPU: GpuFacts = {
  name: 'any',
  software: false,
  features: [],
  maxBufferBytes: 2 ** 30,
  budgetBytes: 2 ** 30,
  flopsPerSecond: 1e12,
  matrixFlopsPerSecond: 0,
};

async function demo(): Promise<OpenedModel> {
  const model = await openModel(nodeDirectory('public/models/tinystories-7m'), {});
  return { ...model, facts: pageFacts(model, 4096), calibrationText: 'stories' };
}

const estimate = vi.fn(async () => ({ usage: 0, quota: 1e12 }));
const getDirectory = vi.fn(async () => ({}));
beforeEach(() => void vi.stubGlobal('navigator', { storage: { estimate, getDirectory } }));
afterEach(() => void vi.unstubAllGlobals());

const textsOf = async (options: Partial<JobOptions>, gpu: Partial<GpuFacts> = {}) => {
  const { problems } = await planJob(await demo(), { ...OPTIONS, ...options }, { ...GPU, ...gpu });
  return problems.map(({ severe, text }) => `${severe ? 'severe' : 'hint'}: ${text}`);
};

test('a plan that works out has no problems; two bitrates share the measurement and need both outputs', async () => {
  const model = await demo();
  const both = await planJob(model, OPTIONS, GPU);
  const one = await planJob(model, { ...OPTIONS, bits: [4] }, GPU);
  expect(both.problems).toEqual([]);
  expect(both.outputBytes[0]).toBe(one.outputBytes[0]);
  expect(both.diskBytes).toBeGreaterThan(one.diskBytes + both.outputBytes[1]!);
  expect(both.times).toEqual(one.times);
  expect(one.times.measure).toBeGreaterThan(one.times.target);
  expect(one.times.target).toBeGreaterThan(0);
  const slow = await planJob(model, OPTIONS, { ...GPU, flopsPerSecond: 1e11 });
  expect(slow.times.measure).toBeGreaterThan(5 * one.times.measure);
  expect((await planJob(model, OPTIONS, undefined)).times).toEqual({ measure: 0, target: 0 });
});

test('matrix units make it sooner done, where they are and may be used', async () => {
  const model = await demo();
  const times = async (matrixFlopsPerSecond: number, options: Partial<JobOptions> = {}) =>
    (await planJob(model, { ...OPTIONS, ...options }, { ...GPU, matrixFlopsPerSecond })).times;
  const without = await times(0);
  const mixed = await times(5e12, { precision: 'mixed' });
  expect(mixed.measure).toBeLessThan(without.measure);
  expect(mixed.target).toBeLessThan(without.target);
  expect(await times(5e12)).toEqual(mixed);
  expect(await times(5e12, { precision: 'f32' })).toEqual(without);
});

test('what cannot be, or may not be, is said with what to do', async () => {
  expect(await textsOf({ bits: [1.9] })).toEqual([
    expect.stringMatching(/^severe: 1\.900 bits per weight is too little.*Ask for at least/),
  ]);
  expect(await textsOf({ gpuBudgetBytes: 2 ** 20 })).toEqual([
    expect.stringMatching(/^severe: .* of GPU memory are needed and 1\.05 MB allowed/),
  ]);
  expect(await textsOf({}, { maxBufferBytes: 1e5 })).toEqual([
    expect.stringMatching(/^severe: A buffer of .* is needed/),
  ]);
  expect(await textsOf({}, { software: true })).toEqual([expect.stringMatching(/^hint: There is no GPU/)]);
  expect(await textsOf({ measurement: { measurement: {} } })).toEqual([
    expect.stringMatching(/^severe: The measurement has no candidates/),
  ]);
  estimate.mockResolvedValueOnce({ usage: 9e5, quota: 1e6 });
  expect(await textsOf({})).toEqual([
    expect.stringMatching(/^hint: Output and work files take .* choose an output folder/),
  ]);
});

test('workers share the GPU memory: each needs as much as one', async () => {
  const model = await demo();
  const { gpuBytes } = await planJob(model, OPTIONS, GPU);
  expect((await planJob(model, { ...OPTIONS, workers: 3 }, GPU)).gpuBytes).toBe(3 * gpuBytes);
  expect(await textsOf({ workers: 3, gpuBudgetBytes: 2 * gpuBytes })).toEqual([
    expect.stringMatching(/^severe: .* of GPU memory are needed .*, or take fewer workers\.$/),
  ]);
});

test('two GPUs that share a job count as one, as fast as both', () => {
  const matrix = { ...GPU, name: 'matrix', flopsPerSecond: 1e13, matrixFlopsPerSecond: 9e13 };
  const other = { ...GPU, name: 'other', maxBufferBytes: 2 ** 28, features: ['subgroups'] };
  const both = asOneGpu([matrix, other]);
  expect(both).toMatchObject({ name: 'matrix and other', maxBufferBytes: 2 ** 28, features: [] });
  expect([both.flopsPerSecond, both.matrixFlopsPerSecond]).toEqual([1.1e13, 9.1e13]);
  expect(otherGpusOf({ gpus: ['high-performance', 'low-power'], workers: 2 })).toEqual([
    'high-performance',
    'low-power',
    'low-power',
  ]);
  expect(otherGpusOf({})).toEqual([]);
});

test('a measurement that is given decides how small a model can be, and is told of where it lacks what would be used', async () => {
  const { plan } = await demo();
  /** As ExLlamaV2 makes one; with the refined quantizer's errors where there is a `tokenError`. */
  const measurement = (tokenError?: number) => {
    const modules = plan.modules.map((module) => {
      const [params] = candidatesOf(module, 'exllamav2').slice(-1);
      const totalBits = candidateBits(module, params!);
      const error = { accuracy: 0.9, ...(tokenError !== undefined && { tokenError }) };
      return [module.key, [{ ...error, totalBits, params: params! }]] as const;
    });
    return measurementToJson({ modules: new Map(modules) });
  };
  const advice = expect.stringMatching(
    /^hint: This measurement has only errors of whole rows .* measuring again/,
  );
  const bits = [9];
  expect(await textsOf({ bits, measurement: measurement() })).toEqual([advice]);
  expect(await textsOf({ bits, measurement: measurement(), quantizer: 'exllamav2' })).toEqual([]);
  expect(await textsOf({ bits, measurement: measurement(0.1) })).toEqual([]);
  expect(await textsOf({ bits: [4], measurement: measurement(0.1) })).toEqual([
    expect.stringMatching(/^severe: 4\.000 bits per weight is too little/),
  ]);
  expect(await textsOf({ bits: [4] })).toEqual([]);
});

test('a measurement that is given saves the time to make it', async () => {
  const model = await demo();
  const without = await planJob(model, OPTIONS, GPU);
  const given = await planJob(model, { ...OPTIONS, measurement: {} }, GPU);
  expect(given.times).toEqual({ measure: 0, target: without.times.target });
});

test('storage or WebAssembly that is refused is in the way, and the GPU is not blamed', async () => {
  getDirectory.mockRejectedValueOnce(
    new DOMException('Storage directory access is denied.', 'SecurityError'),
  );
  expect(await textsOf({})).toEqual([
    expect.stringMatching(/^severe: The browser lets this page keep nothing/),
  ]);
  const error = new WebAssembly.CompileError('violates the policy');
  const compile = vi.spyOn(WebAssembly, 'compile').mockRejectedValueOnce(error);
  const texts = await textsOf({});
  compile.mockRestore();
  expect(texts).toEqual([
    expect.stringMatching(/^severe: WebAssembly is not allowed here.*wasm-unsafe-eval/),
  ]);
});
