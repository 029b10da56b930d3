import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  checkMeasurementFile,
  readMeasurementFile,
  writeMeasurementFile,
} from '../../src/cli/measurement-file.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { workDirectory } from '../../src/io/work/work-directory.ts';

let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'measurement-file-'));
  await workDirectory(nodeDirectory(join(folder, 'work'))).writeJson('measurement.json', {
    measurement: { a: [1] },
  });
});
afterEach(() => rmSync(folder, { recursive: true }));

const places = (name: string) => ({ workDir: join(folder, 'work'), outputMeasurement: join(folder, name) });

test('a new file is checked without a trace, and written', async () => {
  await checkMeasurementFile(places('new.json'));
  expect(readdirSync(folder)).toEqual(['work']);
  await writeMeasurementFile(places('new.json'));
  expect(readdirSync(folder)).toEqual(['new.json', 'work']);
  // The same job may write it again.
  await checkMeasurementFile(places('new.json'));
});

test.each([
  ['another measurement', '{"measurement": {"a": [2]}}', /old.json is there already: choose another name/],
  ['anything else', 'mine', /old.json is there already: choose another name/],
])('%s is not written over', async (_, text, message) => {
  writeFileSync(join(folder, 'old.json'), text);
  await expect(checkMeasurementFile(places('old.json'))).rejects.toThrow(message);
});

test('one that is damaged in the work directory is not passed on', async () => {
  const path = join(folder, 'work/measurement.json');
  const whole = readFileSync(path, 'utf8');
  expect(await readMeasurementFile(path)).toEqual({ measurement: { a: [1] } });
  writeFileSync(path, whole.replace('1', '3'));
  await expect(writeMeasurementFile(places('new.json'))).rejects.toThrow(/was damaged there: run the same/);
  expect(readdirSync(folder)).toEqual(['work']);
  await expect(readMeasurementFile(path)).rejects.toThrow(
    /measurement\.json is not as the job .* copy it elsewhere/,
  );
  copyFileSync(path, join(folder, 'copy.json'));
  expect(await readMeasurementFile(join(folder, 'copy.json'))).toEqual({ measurement: { a: [3] } });
});

test('a folder is no file', async () => {
  mkdirSync(join(folder, 'slices'));
  const failing = checkMeasurementFile(places('slices'));
  await expect(failing).rejects.toThrow(/slices is a folder: name a file/);
});
