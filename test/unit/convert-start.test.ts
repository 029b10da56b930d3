import { expect, test, vi } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import { tooFewTokensWarning } from '../../src/estimate/token-need.ts';
import type { ReadableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import type { Emit } from '../../src/job/events.ts';
import { openModel } from '../../src/model/check/open-model.ts';
import type { TokenEncoder } from '../../src/tokenizer/tokenizer.ts';
import { UnsupportedError } from '../../src/util/errors.ts';
import { testGpu } from '../support/gpu.ts';
import { tinyJob, tinyModel } from '../support/tiny-job.ts';

type TinyJob = Awaited<ReturnType<typeof tinyJob>>;

const directories = () => ({ work: memoryDirectory('work'), output: memoryDirectory('output') });

test('rows that no buffer of the GPU can hold are refused before any work', async () => {
  const gpu = await testGpu();
  const places = directories();
  const job = await tinyJob(gpu, tinyModel(1), places);
  vi.spyOn(gpu.memory, 'largestBuffer', 'get').mockReturnValue(8_000);
  const converted = convert(job);
  await expect(converted).rejects.toThrow(UnsupportedError);
  await expect(converted).rejects.toThrow(
    /a calibration row of \d+ tokens with \d+ features each takes .* Calibrate with rows of at most \d+ tokens/,
  );
  expect(job.events.flatMap((event) => (event.type === 'stage' ? event.stage : []))).toEqual(['calibrate']);
  expect(await places.work.list()).toEqual([]);
  gpu.destroy();
});

test.each<[string, (job: TinyJob) => TinyJob, RegExp]>([
  [
    'a tokenizer that is missing',
    (job) => ({ ...job, model: without(job.model, 'tokenizer.json') }),
    /has no tokenizer\.json/,
  ],
  [
    'a measurement of another model',
    (job) => ({
      ...job,
      settings: { ...job.settings, measurement: { measurement: { 'model.layers.9.mlp': [] } } },
    }),
    /has model\.layers\.9\.mlp, which this model lacks/,
  ],
])('%s is refused before the GPU has anything to do', async (_, change, message) => {
  const gpu = await testGpu();
  const run = vi.spyOn(gpu, 'run');
  const places = directories();
  const job = change(await tinyJob(gpu, tinyModel(1), places));
  await expect(convert(job)).rejects.toThrow(message);
  expect(run).not.toHaveBeenCalled();
  expect(job.events).toEqual([]);
  expect(await places.work.list()).toEqual([]);
  gpu.destroy();
});

const without = (directory: ReadableDirectory, gone: string): ReadableDirectory => ({
  ...directory,
  open: async (path) => (path === gone ? undefined : directory.open(path)),
});

test('a measurement alone needs no rows to quantize with, and a whole job goes on from it', async () => {
  const gpu = await testGpu();
  const places = directories();
  const job = await tinyJob(gpu, tinyModel(1), places);
  const { quantization: _, heldOut, ...rest } = job.calibration;
  const noHeldOut = () => Promise.reject(new Error('held-out text was asked for'));
  const measuring = {
    settings: { ...job.settings, measureOnly: true },
    calibration: { ...rest, heldOut: noHeldOut },
  };
  await convert({ ...job, ...measuring });
  const kept = (await places.work.list()).map(({ path }) => path);
  expect(kept).toContain('measurement.json');
  expect(kept).not.toContain('cal_quant.safetensors');
  await convert(job);
  const stages = job.events.flatMap((event) =>
    event.type === 'stage' ? [`${event.stage} ${event.state}`] : [],
  );
  expect(stages).toContain('measure reused');
  expect(stages.at(-1)).toBe('evaluate done');
  gpu.destroy();
});

test('what was passed over of the calibration data is told once, with the larger number', async () => {
  const gpu = await testGpu();
  const job = await tinyJob(gpu, tinyModel(1), directories());
  const rows = await job.calibration.measurement(undefined as never, 0, 64);
  const passing = (messages: number) => async () => ({
    ...rows,
    sources: ['chats.jsonl'],
    passedOver: { rows: 0, messages },
  });
  const calibration = { ...job.calibration, measurement: passing(2), quantization: passing(5) };
  await convert({ ...job, calibration, settings: { ...job.settings, bits: 4 } });
  const warnings = job.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  expect(warnings).toContain('chats.jsonl: 5 messages without text were passed over.');
  expect(warnings.filter((message) => message.includes('passed over'))).toHaveLength(1);
  gpu.destroy();
});

test('memory that may not suffice is warned of at the start, and no other', async () => {
  for (const [budget, count] of [
    [2 ** 30, 0],
    [2 ** 20, 1],
  ] as const) {
    const gpu = await testGpu(budget);
    const job = await tinyJob(gpu, tinyModel(1), directories());
    await convert(job).catch(() => {}); // it may end for lack of it
    const warnings = job.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    const ofMemory = warnings.filter((message) => message.includes('GPU memory are needed'));
    expect(ofMemory).toHaveLength(count);
    if (count > 0) expect(ofMemory[0]).toMatch(/^About .* of GPU memory are needed and 1\.00 MiB allowed/);
    gpu.destroy();
  }
});

test('tokens that are too few for the widest linear are warned of before anything is measured', async () => {
  const gpu = await testGpu();
  const job = await tinyJob(gpu, tinyModel(1), directories());
  const stop = new AbortController();
  const emit: Emit = (event) => {
    job.emit(event);
    if (event.type === 'stage' && event.stage === 'measure') stop.abort();
  };
  await expect(convert({ ...job, emit, control: { signal: stop.signal } })).rejects.toThrow();
  const warnings = job.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  const [ofTokens] = warnings.filter((message) => message.includes('tokens to quantize with'));
  expect(ofTokens).toMatch(/^6 rows of 24 .* fewer than 4 tokens for each of the 192 inputs/);
  expect(ofTokens).toMatch(/Take 768 tokens or more.*--dataset_rows, --length.*standard preset/);
  gpu.destroy();
});

test.each([
  [512, 3072 / 512, undefined],
  [512, 3072 / 512 - 1, /fewer than 4 tokens for each of the 768 inputs.*Take 3072 tokens/],
])('tokens for the widest linear: rows of %i, %i of them', async (length, rows, expected) => {
  const { plan } = await openModel(nodeDirectory('public/models/tinystories-7m'), {});
  const warning = tooFewTokensWarning(plan, { rows, length });
  if (expected) expect(warning).toMatch(expected);
  else expect(warning).toBeUndefined();
});

test('a tokenizer of the host makes the rows, and is closed when it has', async () => {
  const gpu = await testGpu();
  const { calibration, events, ...job } = await tinyJob(gpu, tinyModel(1), directories());
  const asked: string[] = [];
  const tokenizer: TokenEncoder = {
    ...{ encode: async () => [], bosId: undefined, eosIds: [], vocabSize: 320 },
    close: () => void asked.push('close'),
  };
  const noted =
    <A extends unknown[], T>(name: string, make: (given: TokenEncoder, ...rest: A) => T) =>
    (given: TokenEncoder, ...rest: A): T => {
      expect(given).toBe(tokenizer);
      asked.push(name);
      return make(given, ...rest);
    };
  const { measurement, quantization, heldOut } = calibration;
  await convert({
    ...job,
    openTokenizer: async ({ name }) => {
      asked.push(name);
      return tokenizer;
    },
    calibration: {
      measurement: noted('measurement', measurement),
      quantization: noted('quantization', quantization!),
      heldOut: noted('held out', heldOut),
    },
    emit: (event) => void (event.type === 'module' && asked.push('module')),
  });
  expect(asked.slice(0, 6)).toEqual(['model', 'measurement', 'quantization', 'held out', 'close', 'module']);
  gpu.destroy();
});
