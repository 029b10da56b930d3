import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ConversionHost, runConversion } from '../../src/cli/conversion.ts';
import type { CliOptions } from '../../src/cli/options.ts';
import { pathInside } from '../../src/cli/path-inside.ts';
import { InputError } from '../../src/util/errors.ts';

let folder: string;
const at = (path: string) => join(folder, path);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'no-resume-'));
  mkdirSync(at('work'));
  symlinkSync(at('work'), at('link'));
  for (const name of ['job.json', 'measurement.json', 'cal_quant.safetensors'])
    writeFileSync(at(`work/${name}`), '{}');
  writeFileSync(at('damaged.json'), '{');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Ends before any GPU is asked for. */
const convertAnew = (inputs: Partial<CliOptions>) =>
  runConversion(
    { workDir: at('work'), resume: false, quantizer: 'refined', ...inputs } as CliOptions,
    { adapter: {}, cards: [], root: folder } as unknown as ConversionHost,
    () => {},
    new AbortController().signal,
  );

test.each([
  ['measurement', 'work/measurement.json', '--measurement'],
  ['measurement', 'link/measurement.json', '--measurement'],
  ['calDataset', 'work/cal_quant.safetensors', '--cal_dataset'],
])('a %s that lies in the work directory (%s) is not dropped with it', async (key, path, option) => {
  const failing = convertAnew({ [key]: at(path) });
  await expect(failing).rejects.toThrow(InputError);
  await expect(failing).rejects.toThrow(/--no_resume empties .* copy that file elsewhere first/);
  await expect(failing).rejects.toThrow(option);
  for (const kept of ['work/job.json', path]) expect(existsSync(at(kept))).toBe(true);
});

test.each([
  ['missing.json', 'There is no file'],
  ['damaged.json', 'not valid JSON'],
])('a measurement that cannot be read (%s) leaves the earlier job', async (name, message) => {
  await expect(convertAnew({ measurement: at(name) })).rejects.toThrow(message);
  expect(existsSync(at('work/job.json'))).toBe(true);
});

test.each([
  ['work', 'work/measurement.json', 'measurement.json'],
  ['link', 'work/tensors/new', 'tensors/new'],
  ['work', 'work/..hidden', '..hidden'],
  ['work', 'work', undefined],
  ['work', 'damaged.json', undefined],
  ['work', 'workshop/a.json', undefined],
])('in %s, %s is %s', async (outer, inner, expected) => {
  mkdirSync(at('work/tensors'));
  for (const path of ['work/tensors/new', 'work/..hidden']) writeFileSync(at(path), '');
  expect(await pathInside(at(outer), at(inner))).toBe(expected);
});
