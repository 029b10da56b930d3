/** Which folders are opened for a job's own linear: those that the browser permits now. */

import { beforeEach, expect, test, vi } from 'vitest';
import { rowsToTensor } from '../../src/calibrate/rows-artefact.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { workDirectory } from '../../src/io/work/work-directory.ts';
import { ARTEFACT } from '../../src/job/artefacts.ts';
import { calibrationText, inspectKept } from '../../workers/inspect-kept.ts';
import type { JobEntry } from '../../workers/job-store.ts';

const { asked, folders, permissions } = vi.hoisted(() => ({
  /** What `inspectLinear` was given, and which folders were opened. */
  asked: [] as unknown[],
  folders: new Map<string, ReturnType<typeof memoryDirectory>>(),
  permissions: { missing: [] as { mode: string }[] },
}));

vi.mock('../../src/learn/kept/inspect.ts', () => ({
  inspectLinear: async (_: unknown, place: unknown, files: unknown) => void asked.push(place, files),
}));
vi.mock('../../src/io/model/model-directory.ts', () => ({
  openModelDirectory: async (folder: unknown) => folder,
}));
vi.mock('../../src/io/platform/storage/storage.ts', () => ({
  storageDirectory: async (path: string) => folders.get(path),
}));
vi.mock('../../workers/open-source.ts', () => ({ planOf: () => ({ modules: [] }) }));
vi.mock('../../workers/permissions.ts', () => ({ missingPermissions: async () => permissions.missing }));
vi.mock('../../workers/places.ts', () => ({
  STORED: { measure: () => 'measure', target: () => 'target' },
  openSource: () => 'the model',
  openOutput: async (_: unknown, __: string, ___: string, bits: number) => `the output at ${bits}`,
}));
vi.mock('../../workers/tokenizer-client.ts', () => ({
  openTokenizer: async () => ({
    decode: async (ids: number[]) => ids.join(' '),
    close: () => void asked.push('closed'),
  }),
}));

const PLACE = { module: 'model.layers.0.mlp', name: 'up_proj' };

const entry = (record: object = {}): JobEntry =>
  ({
    source: { kind: 'demo' },
    output: { kind: 'storage' },
    record: {
      ...{ id: 'a', results: [{ bits: 4 }], sourceGone: false },
      ...{ model: { name: 'x', tokenizerSize: 99 }, ...record },
    },
  }) as unknown as JobEntry;

beforeEach(() => {
  asked.length = 0;
  permissions.missing = [];
  folders.set('measure', memoryDirectory('measure'));
  folders.set('target', memoryDirectory('target'));
});

test('what a linear hears needs no folder', async () => {
  await inspectKept(entry(), 4, PLACE, false);
  expect(asked).toEqual([PLACE, undefined]);
});

test('how it was rounded is read from the model and, once that is made, from the output', async () => {
  await inspectKept(entry(), 4, PLACE, true);
  await inspectKept(entry(), 3, PLACE, true);
  expect(asked).toEqual([
    PLACE,
    { output: 'the output at 4', source: 'the model' },
    PLACE,
    { source: 'the model' },
  ]);
});

test('locked folders, and files that the browser has forgotten, are left out', async () => {
  permissions.missing = [{ mode: 'readwrite' }];
  await inspectKept(entry(), 4, PLACE, true);
  permissions.missing = [{ mode: 'read' }];
  await inspectKept(entry(), 4, PLACE, true);
  permissions.missing = [];
  await inspectKept(entry({ sourceGone: true }), 4, PLACE, true);
  const output = { output: 'the output at 4' };
  expect(asked.filter((given) => given !== PLACE)).toEqual([{ source: 'the model' }, output, output]);
});

test('the calibration text begins with the first row’s tokens; the tokenizer is closed', async () => {
  const ids = Int32Array.from({ length: 6 }, (_, i) => i + 1);
  const rows = rowsToTensor({ rows: 2, length: 3, ids, sources: [] });
  await workDirectory(folders.get('measure')!).writeTensors(ARTEFACT.measurementRows, [rows]);
  expect(await calibrationText(entry())).toBe('1 2 3');
  expect(asked).toEqual(['closed']);
  expect(await calibrationText(entry({ sourceGone: true }))).toBeUndefined();
  permissions.missing = [{ mode: 'read' }];
  expect(await calibrationText(entry())).toBeUndefined();
});

test('without calibration rows nothing is said of the text', async () => {
  expect(await calibrationText(entry())).toBeUndefined();
  expect(asked).toEqual([]);
});
