import { expect, test } from 'vitest';
import { saveInto } from '../../src/app/platform/save-files.ts';
import { outputFolder } from '../../src/util/output-folder.ts';

/** A folder of the user's, as far as saving needs it. */
class Folder {
  readonly name: string;
  readonly entries = new Map<string, Folder | string>();

  constructor(name: string) {
    this.name = name;
  }

  async getDirectoryHandle(name: string): Promise<Folder> {
    const folder = this.entries.get(name) ?? new Folder(name);
    this.entries.set(name, folder);
    return folder as Folder;
  }

  async getFileHandle(name: string) {
    const write = async (chunk: Uint8Array) =>
      void this.entries.set(name, this.entries.get(name) + new TextDecoder().decode(chunk));
    this.entries.set(name, '');
    return { createWritable: async () => new WritableStream({ write }) };
  }

  async *keys() {
    yield* this.entries.keys();
  }

  /** Texts by path. */
  texts(): Record<string, string> {
    const of = ([name, entry]: [string, Folder | string]): [string, string][] =>
      typeof entry === 'string'
        ? [[name, entry]]
        : Object.entries(entry.texts()).map(([path, text]) => [`${name}/${path}`, text]);
    return Object.fromEntries([...this.entries].flatMap(of));
  }
}

const save = (folder: Folder, name: string, texts: Record<string, string>) =>
  saveInto(
    folder as unknown as FileSystemDirectoryHandle,
    name,
    Object.entries(texts).map(([path, text]) => ({ path, file: new File([text], path) })),
  );

test('an output is saved to a folder of its own; what lies beside it stays', async () => {
  const chosen = new Folder('models');
  chosen.entries.set('config.json', 'the original’s');
  await save(chosen, 'a-4bpw-exl2', { 'config.json': '4 bits', 'more/notes.txt': 'notes' });
  await save(chosen, 'a-3bpw-exl2', { 'config.json': '3 bits' });
  expect(chosen.texts()).toEqual({
    'config.json': 'the original’s',
    'a-4bpw-exl2/config.json': '4 bits',
    'a-4bpw-exl2/more/notes.txt': 'notes',
    'a-3bpw-exl2/config.json': '3 bits',
  });
});

test('a folder that holds files is not written to, an empty one is', async () => {
  const chosen = new Folder('models');
  const there = await chosen.getDirectoryHandle('a-4bpw-exl2');
  await save(chosen, 'a-4bpw-exl2', { 'config.json': 'first' });
  await expect(save(chosen, 'a-4bpw-exl2', { 'config.json': 'second' })).rejects.toThrow(
    'models/a-4bpw-exl2 is there already and holds files',
  );
  expect(there.texts()).toEqual({ 'config.json': 'first' });
});

test('names of folders have nothing that some system does not take', () => {
  expect(outputFolder('tiny', 4)).toBe('tiny-4bpw-exl2');
  expect(outputFolder('org/a:b*c', 2.75)).toBe('org-a-b-c-2.75bpw-exl2');
  expect(outputFolder('tab\there\\', 3)).toBe('tab-here--3bpw-exl2');
});
