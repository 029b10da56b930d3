import { beforeEach, expect, test, vi } from 'vitest';
import { UPLOAD_BYTES, UploadPool } from '../../src/gpu/transfer/uploads.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** Memory whose buffers are mapped again when the test says so. */
class FakeMemory {
  readonly mapping: { resolve(): void; reject(error: Error): void }[] = [];

  createBeside({ size }: { size: number }): GPUBuffer {
    const buffer: Partial<GPUBuffer> = {
      size,
      destroy: () => undefined,
      getMappedRange: (_: number, length: number) => new ArrayBuffer(length),
      unmap: () => undefined,
      mapAsync: () =>
        new Promise<undefined>((resolve, reject) => {
          this.mapping.push({ resolve: () => resolve(undefined), reject });
        }),
    };
    return buffer as GPUBuffer;
  }
}

beforeEach(() => void vi.stubGlobal('GPUBufferUsage', { MAP_WRITE: 2, COPY_SRC: 4 }));
beforeEach(() => void vi.stubGlobal('GPUMapMode', { WRITE: 2 }));

/** A pool all of whose memory is on its way. */
function exhausted() {
  const device = new FakeMemory();
  const pool = new UploadPool(device, 16 * GIB);
  const data = new Uint8Array(64 * MIB);
  let taken = 0;
  while (pool.take(data)) taken++;
  pool.submitted();
  return { device, pool, data, taken };
}

const isReady = async (pool: UploadPool): Promise<boolean> => {
  const later = new Promise((resolve) => setTimeout(() => resolve('later'), 20));
  return (await Promise.race([pool.ready(), later])) !== 'later';
};

test('at most 256 MiB are on their way; then the queue writes, until a buffer is back', async () => {
  const { device, pool, data, taken } = exhausted();
  expect(taken).toBe(4);
  expect(await isReady(pool)).toBe(false);
  const waiting = pool.ready();
  device.mapping[0]!.resolve();
  await waiting;
  expect(pool.take(data)).toBeDefined();
  expect(pool.take(data)).toBeUndefined();
});

test.each([
  [GIB, 2],
  [4 * GIB, 8],
  [24 * GIB, 16],
])('of a budget of %s bytes %s pieces', async (budget, pieces) => {
  const pool = new UploadPool(new FakeMemory(), budget);
  for (let i = 0; i < pieces; i++) {
    expect(await isReady(pool)).toBe(true);
    expect(pool.take(new Uint8Array(UPLOAD_BYTES))).toBeDefined();
    pool.submitted();
  }
  expect(await isReady(pool)).toBe(false);
});

test('nobody waits while there is memory, or where none is on its way', async () => {
  const pool = new UploadPool(new FakeMemory(), 16 * GIB);
  expect(await isReady(pool)).toBe(true);
  pool.take(new Uint8Array(64 * MIB));
  pool.submitted();
  expect(await isReady(pool)).toBe(true);
});

test('a lost device leaves nobody waiting', async () => {
  const { device, pool } = exhausted();
  const waiting = pool.ready();
  device.mapping[0]!.reject(new Error('lost'));
  await waiting;
});

test('small data is the queue’s', () => {
  const pool = new UploadPool(new FakeMemory(), 16 * GIB);
  expect(pool.take(new Uint8Array(MIB - 1))).toBeUndefined();
});
