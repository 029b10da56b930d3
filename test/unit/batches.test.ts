import { afterAll, expect, test } from 'vitest';
import { forEachBatch } from '../../src/model/gpu/batches.ts';
import { OutOfMemoryError } from '../../src/util/errors.ts';
import { testGpu } from '../support/gpu.ts';
import { eventually } from '../support/patience.ts';
import { addAmount } from '../support/test-kernels.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

/** A promise that is settled from outside. */
function pending() {
  let settle = { resolve: () => {}, reject: (_: Error) => {} };
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}

/** Time for what should not happen. */
const turns = async (count = 50) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setTimeout(resolve, 1));
};

test('rows come in batches, one more of them than is done', async () => {
  const readings = [pending(), pending(), pending()];
  const begun: [number, number][] = [];
  let done = false;
  const all = forEachBatch(gpu, 5, 2, (_, start, end, defer) => {
    defer(readings[begun.length]!.promise);
    begun.push([start, end]);
  }).then(() => {
    done = true;
  });
  await eventually(() => expect(begun).toHaveLength(2));
  await turns();
  expect(begun).toEqual([
    [0, 2],
    [2, 4],
  ]);
  readings[0]!.resolve();
  await eventually(() => expect(begun.at(-1)).toEqual([4, 5]));
  readings[1]!.resolve();
  await turns();
  expect(done).toBe(false);
  readings[2]!.resolve();
  await all;
});

test('a batch takes the memory of the one before, and what that one computed is read', async () => {
  const sums: number[] = [];
  await forEachBatch(gpu, 6, 1, (scope, start, _, defer) => {
    const [x, y] = [scope.upload(Float32Array.of(start), 'x'), scope.alloc([1], 'y')];
    gpu.run(addAmount, { count: 1, amount: 10, x, y });
    defer(
      gpu.read(y).then((bytes) => {
        sums[start] = new Float32Array(bytes)[0]!;
      }),
    );
  });
  expect(sums).toEqual([10, 11, 12, 13, 14, 15]);
  expect(gpu.memory.used).toBe(0);
  expect(gpu.memory.peak).toBe(2 * 4096);
});

test('missing memory ends it, after what is under way has settled', async () => {
  const [failing, last] = [pending(), pending()];
  let begun = 0;
  let failed = false;
  const all = forEachBatch(gpu, 5, 1, (_, start, _end, defer) => {
    begun++;
    defer([failing, last][start]!.promise);
  }).catch((error: Error) => {
    failed = true;
    return error;
  });
  failing.reject(new OutOfMemoryError('no memory for states'));
  await eventually(() => expect(begun).toBe(2));
  await turns();
  expect([begun, failed]).toEqual([2, false]);
  last.reject(new Error('of no interest any more'));
  expect(await all).toEqual(new OutOfMemoryError('no memory for states'));
  expect(begun).toBe(2);
});

test('any other error ends it at once; what fails later is not left unhandled', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  process.on('unhandledRejection', note);
  const [before, begun] = [pending(), pending()];
  const all = forEachBatch(gpu, 5, 1, (_, start, _end, defer) => {
    defer([before, begun][start]!.promise);
    if (start === 1) throw new Error('cancelled');
  });
  await expect(all).rejects.toThrow('cancelled');
  for (const { reject } of [before, begun]) reject(new Error('of no interest any more'));
  await turns();
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

test('an error of a reading ends it before the next batch but one', async () => {
  const failing = pending();
  let begun = 0;
  const all = forEachBatch(gpu, 5, 1, (_, start, _end, defer) => {
    begun++;
    if (start === 0) defer(failing.promise);
  });
  failing.reject(new Error('not read'));
  await expect(all).rejects.toThrow('not read');
  expect(begun).toBe(2);
});
