import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkMeasurementFile, writeMeasurementFile } from '../../src/cli/measurement-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'measurement-file-'));
  mkdirSync(join(folder, 'work'));
  writeFileSync(join(folder, 'work/measurement.json'), '{"measurement": {"a": [1]}}');
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

test('a folder is no file', async () => {
  mkdirSync(join(folder, 'slices'));
  const failing = checkMeasurementFile(places('slices'));
  await expect(failing).rejects.toThrow(/slices is a folder: name a file/);
});
