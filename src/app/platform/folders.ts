/** Ways to a folder, from the best that the browser offers to the one that all have. */

import type { ModelSource, NamedFile } from '../../../workers/api/folders.ts';
import { innerModelFiles, innerModelFolder } from './inner-model.ts';

/** Firefox and Safari have no picker for folders that can be written. */
export const canPickFolders = (): boolean => window.showDirectoryPicker !== undefined;

/** Asks for a model's folder. Undefined when the user changes their mind. */
export async function pickModel(): Promise<ModelSource | undefined> {
  if (!canPickFolders()) return pickFiles();
  const handle = await pickFolder('model', 'read');
  return handle && { kind: 'handle', handle: await innerModelFolder(handle) };
}

/** Asks for a folder to write to. */
export const pickOutput = (): Promise<FileSystemDirectoryHandle | undefined> =>
  pickFolder('output', 'readwrite');

async function pickFolder(id: string, mode: 'read' | 'readwrite') {
  try {
    return await window.showDirectoryPicker?.({ id, mode });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined;
    throw error;
  }
}

function pickFiles(): Promise<ModelSource | undefined> {
  const input = document.createElement('input');
  input.type = 'file';
  input.webkitdirectory = true;
  // Phones may have no folders to choose: then all files at once.
  input.multiple = true;
  // Safari forgets an input that is not in the page before it has its files.
  input.hidden = true;
  document.body.append(input);
  return new Promise<ModelSource | undefined>((resolve) => {
    input.addEventListener('cancel', () => resolve(undefined));
    input.addEventListener('change', () => resolve(fromFileList([...(input.files ?? [])])));
    input.click();
  }).finally(() => input.remove());
}

function fromFileList(list: readonly File[]): ModelSource | undefined {
  const paths = list.map((file) => ({ file, path: file.webkitRelativePath || file.name }));
  const first = paths[0];
  if (!first) return undefined;
  const name = first.path.includes('/') ? first.path.slice(0, first.path.indexOf('/')) : 'Chosen files';
  const files = paths.map(({ file, path }) => ({ file, path: path.slice(path.indexOf('/') + 1) }));
  return { kind: 'files', ...innerModelFiles({ name, files }) };
}

/**
 * A dropped folder, or the files that were dropped. To be called while the drop event is handled: afterwards the
 * browser forgets what was dropped.
 */
export async function droppedModel(data: DataTransfer): Promise<ModelSource | undefined> {
  const items = [...data.items].filter(({ kind }) => kind === 'file');
  const handles = items.map((item) => item.getAsFileSystemHandle?.());
  const entries = items.map((item) => item.webkitGetAsEntry());
  const loose = [...data.files];
  const handle = await handles[0];
  if (handle?.kind === 'directory')
    return { kind: 'handle', handle: await innerModelFolder(handle as FileSystemDirectoryHandle) };
  const folder = entries.find((entry) => entry?.isDirectory);
  if (folder) {
    const files = await filesBelow(folder as FileSystemDirectoryEntry, '');
    return { kind: 'files', ...innerModelFiles({ name: folder.name, files }) };
  }
  if (loose.length === 0) return undefined;
  const name = loose.length === 1 ? `The dropped file ${loose[0]!.name}` : 'What was dropped';
  return { kind: 'files', name, files: loose.map((file) => ({ path: file.name, file })) };
}

async function filesBelow(folder: FileSystemDirectoryEntry, prefix: string): Promise<NamedFile[]> {
  const files: NamedFile[] = [];
  for (const entry of await entriesOf(folder)) {
    const path = `${prefix}${entry.name}`;
    if (entry.isDirectory) files.push(...(await filesBelow(entry as FileSystemDirectoryEntry, `${path}/`)));
    else files.push({ path, file: await fileOf(entry as FileSystemFileEntry) });
  }
  return files;
}

/** A reader gives at most a hundred entries at a time. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));
