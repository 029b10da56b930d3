import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Kernel } from '../../src/gpu/kernel.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const LONGEST_FILE = 300;
const MOST_FILES = 12;

/** Files below `directory`, as paths from the repository with '/'; none when it does not exist. */
function filesBelow(directory: string): string[] {
  if (!existsSync(join(root, directory))) return [];
  return readdirSync(join(root, directory), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/'));
}

const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** `gemm/gemm_tiled` for each such file; what lies in shaders/lib is shared text and no kernel. */
const stems = (directory: string) =>
  filesBelow(directory)
    .filter((path) => !path.startsWith('shaders/lib/'))
    .map((path) => path.slice(directory.length + 1, path.lastIndexOf('.')))
    .sort();

const isKernel = (value: unknown): value is Kernel =>
  typeof value === 'object' && value !== null && 'wgsl' in value;

/** What the files of src/kernels export: a kernel, or several by a key. */
const exported = Object.entries(
  import.meta.glob<Record<string, object>>('../../src/kernels/*/*.ts', { eager: true }),
).flatMap(([path, exports]) =>
  Object.entries(exports).flatMap(([name, value]) =>
    [value, ...Object.values(value)].filter(isKernel).map((kernel) => ({ path, name, kernel })),
  ),
);

test(`no source file has more than ${LONGEST_FILE} lines`, () => {
  const long = ['src', 'shaders', 'workers', 'scripts']
    .flatMap(filesBelow)
    .map((path) => ({ path, lines: read(path).split('\n').length - 1 }))
    .filter(({ lines }) => lines > LONGEST_FILE);
  expect(long).toEqual([]);
});

test('every shader has its kernel in a file of the same name in src/kernels, and every file there its shader', () => {
  const kernels = exported.map(({ path }) => path.slice('../../src/kernels/'.length, -'.ts'.length));
  expect([...new Set(kernels)].sort()).toEqual(stems('shaders'));
  expect(stems('src/kernels')).toEqual(stems('shaders'));
});

test('kernels of one name are one: pipelines are kept by it', () => {
  const texts = new Map(exported.map(({ kernel }) => [kernel.name, kernel.wgsl]));
  expect(exported.filter(({ kernel }) => texts.get(kernel.name) !== kernel.wgsl)).toEqual([]);
});

test('every kernel is taken by a test of test/kernels', () => {
  const tests = filesBelow('test/kernels').map(read).join('\n');
  const taken = new Set(
    [...tests.matchAll(/import \{([^}]*)\} from '(.*)';/g)].flatMap(([, names, path]) =>
      names!.split(',').map((name) => `${path} ${name.trim()}`),
    ),
  );
  const tested = exported.filter(({ path, name }) => taken.has(`${path} ${name}`));
  const names = new Set(tested.map(({ kernel }) => kernel.name));
  const untested = exported.map(({ kernel }) => kernel.name).filter((name) => !names.has(name));
  expect(untested).toEqual([]);
});

// A family is one file, however many there are.
test(`no folder of the core has more than ${MOST_FILES} files of its own`, () => {
  const files = ['src', 'shaders']
    .flatMap(filesBelow)
    .filter((path) => !/^src\/(app|cli|model\/families)\//.test(path));
  const folders = files.map((path) => dirname(path));
  const full = folders.filter(
    (folder, i) => folders.slice(0, i).filter((other) => other === folder).length >= MOST_FILES,
  );
  expect([...new Set(full)]).toEqual([]);
});

test('src/README.md names files that are there, and its glossary names of the code', () => {
  const readme = read('src/README.md').replace(/```.*?```/gs, '');
  const named = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
  const files = named(readme).filter((name) => /^[\w./-]+\/[\w./-]*$/.test(name));
  expect(files.filter((path) => !existsSync(join(root, 'src', path)))).toEqual([]);
  const code = filesBelow('src')
    .filter((path) => /\.tsx?$/.test(path))
    .map(read)
    .join('\n');
  const ours = readme.split('\n').flatMap((line) => named(/^\|([^|]*)\|/.exec(line)?.[1] ?? ''));
  const names = ours.filter((name) => !name.includes('/'));
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(code))).toEqual([]);
});
