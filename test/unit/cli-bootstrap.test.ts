import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ensureNode, packagesAreStale } from '../../scripts/bootstrap.mjs';
import { SetupError } from '../../scripts/shell.mjs';

const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function newDirectory(prefix: string): string {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  directories.push(directory);
  return directory;
}

/** A project with this lock file and, when given, npm's copy of it in node_modules. */
function project(wanted: object, installed?: object): string {
  const directory = newDirectory('with space ');
  writeFileSync(join(directory, 'package-lock.json'), JSON.stringify({ packages: wanted }));
  if (installed) {
    mkdirSync(join(directory, 'node_modules'));
    writeFileSync(
      join(directory, 'node_modules/.package-lock.json'),
      JSON.stringify({ packages: installed }),
    );
  }
  return directory;
}

const root = { '': { name: 'x', version: '1.0.0' } };
const a1 = { 'node_modules/a': { version: '1.0.0' } };
const a2 = { 'node_modules/a': { version: '2.0.0' } };
const b = { 'node_modules/b': { version: '1.0.0' } };
const forOtherSystem = { 'node_modules/c': { version: '1.0.0', optional: true } };

const forTests = { 'node_modules/t': { version: '1.0.0', dev: true } };

test.each<[string, boolean, object, object | undefined]>([
  ['no node_modules', true, { ...root, ...a1 }, undefined],
  ['the same', false, { ...root, ...a1 }, a1],
  ['a package for another system is not there', false, { ...root, ...a1, ...forOtherSystem }, a1],
  [
    'a package for this system is there',
    false,
    { ...root, ...a1, ...forOtherSystem },
    { ...a1, ...forOtherSystem },
  ],
  ['another version', true, { ...root, ...a2 }, a1],
  ['one missing', true, { ...root, ...a1, ...b }, a1],
  ['one too many', true, { ...root, ...a1 }, { ...a1, ...b }],
])('packages: %s', (_what, isStale, wanted, installed) => {
  expect(packagesAreStale(project(wanted, installed), true)).toBe(isStale);
  expect(packagesAreStale(project(wanted, installed), false)).toBe(isStale);
});

test('packages for tests are missed by tests alone, and disturb nobody', () => {
  const without = project({ ...root, ...a1, ...forTests }, a1);
  expect(packagesAreStale(without, true)).toBe(true);
  expect(packagesAreStale(without, false)).toBe(false);
  const complete = project({ ...root, ...a1, ...forTests }, { ...a1, ...forTests });
  expect(packagesAreStale(complete, true)).toBe(false);
  expect(packagesAreStale(complete, false)).toBe(false);
});

test('a checkout without its lock file is refused', () => {
  const directory = newDirectory('bare-');
  expect(() => packagesAreStale(directory, true)).toThrow(SetupError);
});

test.each(['20.19.0', '20.20.2', '22.0.0', '24.1.0'])('Node %s will do', (version) => {
  expect(() => ensureNode(version)).not.toThrow();
});

test.each(['18.20.8', '20.18.3', '20.9.0'])('Node %s is refused', (version) => {
  expect(() => ensureNode(version)).toThrow(`Node ${version} is too old: 20.19 or newer`);
});
