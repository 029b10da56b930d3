import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkApart, jobPlaces } from '../../src/cli/job-places.ts';
import { InputError } from '../../src/util/errors.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'places-')));
  mkdirSync(join(root, 'disk/model'), { recursive: true });
  symlinkSync(join(root, 'disk'), join(root, 'link'), 'junction');
});
afterEach(() => rmSync(root, { recursive: true }));

const check = (a: string, b: string) => checkApart(['--in_dir', join(root, a)], ['--out_dir', join(root, b)]);

test.each([
  ['link/model', 'disk/model'],
  ['disk/model', 'link/model/new/exl2'],
  ['link/model', 'disk/model/new'],
  ['link/model/new/deeper', 'disk/model/new'],
])('%s and %s are not apart: one of them leads there by a link', (a, b) => {
  expect(() => check(a, b)).toThrow(InputError);
  // By the names that were given.
  expect(() => check(a, b)).toThrow(`--in_dir ${join(root, a)} and --out_dir ${join(root, b)} must not be`);
});

test.each([
  ['disk/model', 'link/new/exl2'],
  ['link/model', 'link/model-4.0bpw'],
  ['disk/new/a', 'disk/new/b'],
])('%s and %s are apart', (a, b) => expect(() => check(a, b)).not.toThrow());

test('a folder that is in another one by name alone is not apart: reading that one leads there', () => {
  mkdirSync(join(root, 'other'));
  symlinkSync(join(root, 'other'), join(root, 'disk/model/out'), 'junction');
  expect(() => check('disk/model', 'disk/model/out/exl2')).toThrow(InputError);
});

test('upper and lower case are the same folder where the disk takes them for that', () => {
  const check = () => checkApart(['a', join(root, 'disk/model')], ['b', join(root, 'DISK/Model/exl2')]);
  if (existsSync(join(root, 'DISK'))) expect(check).toThrow(InputError);
  else expect(check).not.toThrow();
});

test('places keep the names that were given', () => {
  const given = { in_dir: 'link/model', compile_full: 'link/out', out_dir: 'link/work' };
  expect(jobPlaces(given, 4, { cwd: root, root }, undefined)).toEqual({
    inDir: join(root, 'link/model'),
    outputDir: join(root, 'link/out'),
    workDir: join(root, 'link/work'),
  });
});
