import { afterAll, expect, test, vi } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { MainMemoryError } from '../../src/util/errors.ts';
import { inMainMemory } from '../../src/util/main-memory.ts';
import { testGpu } from '../support/gpu.ts';
import { tinyJob, tinyModel } from '../support/tiny-job.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

const exhausted = () => new RangeError('Array buffer allocation failed');

/** As Chrome says it of a mapped buffer, Firefox and Safari of an array. */
test.each([
  'getMappedRange failed, size (4294967296) is too large for the implementation.',
  'allocation size overflow',
  'Out of memory',
])('what is too large for main memory is named: %s', (message) => {
  const make = () => {
    throw new RangeError(message);
  };
  expect(() => inMainMemory('a sum', 3 * 2 ** 30, make)).toThrow(MainMemoryError);
  expect(() => inMainMemory('a sum', 3 * 2 ** 30, make)).toThrow(
    `main memory does not suffice for a sum (3.00 GiB): ${message}. End other programs, or calibrate with fewer`,
  );
});

test('other errors stay as they are', () => {
  const error = new RangeError('view of 4 bytes at 8');
  const make = () => {
    throw error;
  };
  expect(() => inMainMemory('a sum', 4, make)).toThrow(error);
});

test('a conversion that main memory does not suffice for says where', async () => {
  const job = await tinyJob(gpu, tinyModel(1), {
    work: memoryDirectory('work'),
    output: memoryDirectory('output'),
  });
  const read = vi.spyOn(gpu, 'readInto').mockRejectedValue(exhausted());
  const reading = vi.spyOn(gpu, 'read').mockRejectedValue(exhausted());
  const converting = convert(job);
  await expect(converting).rejects.toThrow(MainMemoryError);
  await expect(converting).rejects.toThrow(
    / does not suffice for .+ \(calibrate\): Array buffer allocation failed/,
  );
  read.mockRestore();
  reading.mockRestore();
});
