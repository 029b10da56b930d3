import { expect, test } from 'vitest';
import { innerModelFiles, innerModelFolder } from '../../src/app/platform/inner-model.ts';

const file = new File([], 'any');
const named = (...paths: string[]) => paths.map((path) => ({ path, file }));

/** A folder of the browser with these files. */
function folderOf(name: string, paths: readonly string[]): FileSystemDirectoryHandle {
  const names = [...new Set(paths.map((path) => path.split('/')[0]!))];
  const below = (child: string) =>
    paths.filter((path) => path.startsWith(`${child}/`)).map((path) => path.slice(child.length + 1));
  return {
    kind: 'directory',
    name,
    async getFileHandle(wanted: string) {
      if (!paths.includes(wanted)) throw new DOMException('', 'NotFoundError');
      return {};
    },
    async *values() {
      for (const child of names)
        yield paths.includes(child) ? { kind: 'file', name: child } : folderOf(child, below(child));
    },
  } as unknown as FileSystemDirectoryHandle;
}

test.each([
  ['a model', ['config.json', 'model.safetensors'], 'parent'],
  ['a folder with one model in it', ['a/config.json', 'a/model.safetensors', 'notes.txt'], 'a'],
  ['a folder with two', ['a/config.json', 'b/config.json'], 'parent'],
  ['a folder with none', ['a/notes.txt'], 'parent'],
  ['a model with another one in it', ['config.json', 'a/config.json'], 'parent'],
])('%s: the folder that is taken', async (_, paths, taken) => {
  expect((await innerModelFolder(folderOf('parent', paths))).name).toBe(taken);
  const files = innerModelFiles({ name: 'parent', files: named(...paths) });
  expect(files.name).toBe(taken);
  if (taken === 'a')
    expect(files.files.map(({ path }) => path)).toEqual(['config.json', 'model.safetensors']);
});
