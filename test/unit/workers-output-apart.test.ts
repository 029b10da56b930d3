import { beforeEach, expect, test, vi } from 'vitest';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { InputError } from '../../src/util/errors.ts';
import type { ModelSource, OutputTarget } from '../../workers/api/folders.ts';
import type { JobEntry } from '../../workers/job-store.ts';
import { checkOutputs } from '../../workers/new-job.ts';

const opened: string[] = [];

vi.mock('../../src/io/platform/storage/storage.ts', () => ({
  removeStorage: async () => {},
  storageDirectory: async (path: string) => memoryDirectory(path),
}));
vi.mock('../../workers/places.ts', () => ({
  STORED: { target: () => 'work' },
  openOutput: async (_: OutputTarget, __: string, name: string, bits: number) => {
    opened.push(`${name} ${bits}`);
    return memoryDirectory('out');
  },
}));
vi.mock('../../workers/open-source.ts', () => ({ headersOf: async () => ({}) }));

beforeEach(() => void opened.splice(0));

/** A handle of the folder at `path`, which resolves others as the browser's do. */
const handleAt = (path: string) => ({
  kind: 'handle' as const,
  handle: {
    name: path.split('/').at(-1),
    path,
    resolve: async (other: { path: string }) => {
      if (other.path === path) return [];
      return other.path.startsWith(`${path}/`) ? other.path.slice(path.length + 1).split('/') : null;
    },
  } as unknown as FileSystemDirectoryHandle,
});

/** Checks a job that makes its model at so many bits. */
function check(source: ModelSource, output: OutputTarget, ...bits: number[]): Promise<void> {
  const record = { id: 'a', model: { name: 'tiny' } };
  const targets = bits.map((each) => ({ bits: each, pinned: {} }));
  return checkOutputs({ record, source, output } as unknown as JobEntry, targets);
}

test.each([
  ['the model’s own folder', 'models/tiny', 'models/tiny'],
  ['a folder in the model’s', 'models/tiny', 'models/tiny/deeper/outputs'],
  ['a folder whose output would hold the model', 'all/tiny-4bpw-exl2/tiny', 'all'],
])('%s is refused as place of the output', async (_, model, output) => {
  const refused = check(handleAt(model), handleAt(output), 3, 4);
  await expect(refused).rejects.toThrow(InputError);
  await expect(refused).rejects.toThrow(/choose another folder for the output/);
  expect(opened).toEqual([]);
});

test('a folder in the model’s is refused before the bitrates are chosen', async () => {
  await expect(check(handleAt('tiny'), handleAt('tiny/outputs'))).rejects.toThrow(InputError);
});

test.each([
  ['beside the model’s folder', handleAt('models/tiny'), handleAt('models')],
  ['in another folder', handleAt('models/tiny'), handleAt('models/tiny-outputs')],
  ['in the browser’s storage', handleAt('models/tiny'), { kind: 'storage' as const }],
  ['of the bundled model', { kind: 'demo' as const }, handleAt('models')],
])('an output %s is fine', async (_, source, output) => {
  await check(source, output, 3, 4);
  expect(opened).toEqual(['tiny 3', 'tiny 4']);
});
