import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { chooseVariants } from '../../src/autotune/choose-variants.ts';
import { JobWorker } from '../../src/distribute/worker/job-worker.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { recordedPath } from '../../src/io/work/work-directory.ts';
import { measure } from '../../src/measure/measure.ts';
import { HessianSums, type SumPiece } from '../../src/pass/sums/hessian-sums.ts';
import { quantizeAgain } from '../../src/quantize/quantize-again.ts';
import { OutOfMemoryError } from '../../src/util/errors.ts';
import { testGpu } from '../support/gpu.ts';
import { filesOf, tinyModel, tinyStages } from '../support/tiny-job.ts';
import { type Loss, poolWith, workerLink } from '../support/worker-links.ts';

const MODEL = tinyModel(1);
const HOWS = ['rejects', 'ends'] as const;

let leader: Gpu;
let workers: Gpu[];
beforeAll(async () => {
  leader = await testGpu();
  await chooseVariants(leader, 'f32'); // as the others do
  workers = [await testGpu(), await testGpu(), await testGpu()];
});
afterAll(() => {
  for (const gpu of [leader, ...workers]) gpu.destroy();
});

afterEach(() => void vi.restoreAllMocks());

/** A stage by so many workers besides the leader, of which the first may be lost, in a work directory of its own. */
async function run(stage: 'measure' | 'quantize', count: number, loss?: Loss) {
  const work = memoryDirectory('work');
  const { context, events, rows, job, choice } = await tinyStages(leader, MODEL, work);
  const places = { model: MODEL, work };
  const links = workers
    .slice(0, count)
    .map((gpu, i) => workerLink(`worker ${i + 2}`, gpu, places, i === 0 ? loss : undefined));
  const pool = await poolWith(links, job, context.emit);
  const result =
    stage === 'measure'
      ? await measure(context, pool, rows)
      : await quantizeAgain(context, pool, rows, choice);
  pool.end();
  const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  return { files: await filesOf(work), result, warnings };
}

const isArtefactFile = (path: string) => recordedPath(path) === undefined;

type Run = Awaited<ReturnType<typeof run>>;
/** By the leader alone. */
let measured: Run;
let quantized: Run;
beforeAll(async () => {
  measured = await run('measure', 0);
  quantized = await run('quantize', 0);
});

test('a measurement leaves the same bytes with 1, 2 and 4 workers', async () => {
  // Of each module its candidates, and what is kept of its Hessians.
  expect(Object.keys(measured.files).filter(isArtefactFile)).toHaveLength(4);
  for (const count of [1, 3]) expect(await run('measure', count)).toEqual(measured);
});

test('four workers divide the larger of two modules', async () => {
  const work = memoryDirectory('work');
  const { context, rows, job } = await tinyStages(leader, MODEL, work);
  const links = workers.map((gpu, i) => workerLink(`worker ${i + 2}`, gpu, { model: MODEL, work }));
  const asked = vi.spyOn(JobWorker.prototype, 'measure');
  const pool = await poolWith(links, job, context.emit);
  expect(await measure(context, pool, rows)).toEqual(measured.result);
  pool.end();
  expect(asked.mock.calls.some(([index, { from }]) => index === 1 && from > 0)).toBe(true);
});

test('so does a quantization', async () => {
  expect(Object.keys(quantized.files).filter(isArtefactFile)).toHaveLength(5);
  for (const count of [1, 3]) expect(await run('quantize', count)).toEqual(quantized);
});

test('sums may come in many pieces', async () => {
  const whole = Object.getOwnPropertyDescriptor(HessianSums.prototype, 'pieces')!.get!;
  const size = 1024; // views are aligned
  const split = vi.spyOn(HessianSums.prototype, 'pieces', 'get').mockImplementation(function (
    this: HessianSums,
  ) {
    return (whole.call(this) as SumPiece[]).flatMap(({ start, end, tokens, ...piece }) =>
      Array.from({ length: Math.ceil((end - start) / size) }, (_, i) => ({
        ...{ ...piece, start: start + i * size },
        end: Math.min(end, start + (i + 1) * size),
        tokens: i === 0 ? tokens : 0,
      })),
    );
  });
  expect(await run('quantize', 3)).toEqual(quantized);
  expect(Math.max(...split.mock.results.map(({ value }) => value.length))).toBeGreaterThan(10);
});

const REASONS = { rejects: 'Out of memory', ends: 'its process has ended (SIGKILL)' };
const warningOf = (how: Loss['how']) => [
  `worker 2 (test GPU) is lost: ${REASONS[how]}. The other workers do its work.`,
];

test.each(HOWS)('a worker that %s while it measures leaves its module to the others', async (how) => {
  const alone = await run('measure', 1, { method: 'measure', call: 1, how });
  expect(alone).toEqual({ ...measured, warnings: warningOf(how) });
});

// The last worker runs the original; the second call is for the MLP module, when the attention module is finished.
const MOMENTS = (
  [
    ['beginPass', 1, 2],
    ['sumRows', 2, 2],
    ['readSum', 2, 2],
    ['takeSum', 2, 2],
    ['quantizeLinear', 2, 2],
    ['takeLinear', 4, 2],
    ['advanceRows', 2, 2],
    ['runOriginal', 2, 1],
    ['originalPerplexity', 1, 1],
  ] as const
).flatMap(([method, call, count]) => HOWS.map((how) => [how, method, call, count] as const));
test.each(MOMENTS)('a worker that %s at %s is done without', async (how, method, call, count) => {
  const others = await run('quantize', count, { method, call, how });
  expect(others).toEqual({ ...quantized, warnings: warningOf(how) });
});

test('a worker with memory for one row at a time takes no more to advance', async () => {
  const { memory } = workers[0]!;
  const { rows, context } = await tinyStages(leader, MODEL, memoryDirectory('work'));
  const row = rows.length * context.plan.config.hiddenSize * 4;
  const acquire = memory.acquire.bind(memory);
  const refused = vi.spyOn(memory, 'acquire').mockImplementation((bytes, label) => {
    if (label === 'hidden states of a batch' && bytes > row) throw new OutOfMemoryError('no memory left');
    return acquire(bytes, label);
  });
  expect((await run('quantize', 1)).warnings).toEqual([]);
  expect(refused.mock.results.some(({ type }) => type === 'throw')).toBe(true);
});

test('two workers that are lost at once are each told of', async () => {
  const work = memoryDirectory('work');
  const { context, events, rows, job, choice } = await tinyStages(leader, MODEL, work);
  const places = { model: MODEL, work };
  const links = workers.slice(0, 2).map((gpu, i) => {
    const loss = { method: 'sumRows', call: 1, how: 'ends' } as const;
    return workerLink(`worker ${i + 2}`, gpu, places, loss);
  });
  const pool = await poolWith(links, job, context.emit);
  expect(await quantizeAgain(context, pool, rows, choice)).toEqual(quantized.result);
  const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  expect(warnings.toSorted()).toEqual([warningOf('ends')[0], warningOf('ends')[0]!.replace('2', '3')]);
});

test('a worker that has no rows in the pass gives the memory of the measurement back', async () => {
  const work = memoryDirectory('work');
  const { job, rows, context } = await tinyStages(leader, MODEL, work);
  const { api } = workerLink('worker 2', workers[0]!, { model: MODEL, work });
  await api.open(job);
  await api.measure(0, { from: 0, to: 2 });
  const before = await api.status();
  await api.beginPass([], 0);
  const states = rows.rows * rows.length * context.plan.config.hiddenSize * 4;
  expect((await api.status()).memoryBytes).toBe(before.memoryBytes - 2 * states);
});
