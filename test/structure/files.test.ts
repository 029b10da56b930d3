import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const LONGEST_FILE = 300;

/** Files below `directory`, as paths from the repository with '/'; none when it does not exist. */
function filesBelow(directory: string): string[] {
  if (!existsSync(join(root, directory))) return [];
  return readdirSync(join(root, directory), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/'));
}

const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** `gemm/gemm_tiled` for shaders/gemm/gemm_tiled.wgsl; what lies in shaders/lib is shared text and no kernel. */
const kernels = filesBelow('shaders')
  .filter((path) => path.endsWith('.wgsl') && !path.startsWith('shaders/lib/'))
  .map((path) => path.slice('shaders/'.length, -'.wgsl'.length));

test(`no source file has more than ${LONGEST_FILE} lines`, () => {
  const long = ['src', 'shaders', 'workers', 'scripts']
    .flatMap(filesBelow)
    .map((path) => ({ path, lines: read(path).split('\n').length - 1 }))
    .filter(({ lines }) => lines > LONGEST_FILE);
  expect(long).toEqual([]);
});

test('every shader has its kernel of the same name in src/kernels', () => {
  const alone = kernels.filter((kernel) => !existsSync(join(root, `src/kernels/${kernel}.ts`)));
  expect(alone).toEqual([]);
});

test('every shader is named in a test', () => {
  const tests = filesBelow('test')
    .filter((path) => path.endsWith('.test.ts'))
    .map(read)
    .join('\n');
  const untested = kernels.filter((kernel) => {
    const stem = kernel.split('/').at(-1)!;
    const exported = stem.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    return !new RegExp(`\\b(${stem}|${exported})\\b`).test(tests);
  });
  expect(untested).toEqual([]);
});
