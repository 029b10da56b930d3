import { expect, test, vi } from 'vitest';
import { type ConversionHost, runConversion } from '../../src/cli/conversion.ts';
import type { CliOptions } from '../../src/cli/options.ts';

const stop = vi.hoisted(() => vi.fn());
vi.mock('../../src/cli/worker-processes.ts', () => ({ startWorkerProcesses: () => ({ links: [], stop }) }));

test('workers are stopped where the GPU of this process cannot be opened', async () => {
  const adapter = { limits: { maxStorageBuffersPerShaderStage: 4 }, features: new Set<string>() };
  const converting = runConversion(
    { workDir: 'nowhere', resume: true, workers: 2, quantizer: 'refined' } as CliOptions,
    { adapter: { adapter, name: 'a', software: true }, cards: [], root: '.' } as unknown as ConversionHost,
    () => {},
    new AbortController().signal,
  );
  await expect(converting).rejects.toThrow();
  expect(stop).toHaveBeenCalledTimes(1);
});
