/** Files on their way out of the page. */

import type { NamedFile } from '../../../workers/api/folders.ts';

/** Saves through the browser's downloads. */
export function download(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has its own reference to the file by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Browsers drop all but the last of downloads that begin at once. */
const BETWEEN_DOWNLOADS_MS = 300;

/** Saves every file, one after the other, through the browser's downloads; folders in their paths are left out. */
export async function downloadAll(files: readonly NamedFile[]): Promise<void> {
  for (const { path, file } of files) {
    download(file, fileName(path));
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_DOWNLOADS_MS));
  }
}

export const fileName = (path: string): string => path.split('/').at(-1) ?? path;

export const downloadJson = (json: unknown, name: string): void =>
  download(new Blob([JSON.stringify(json)], { type: 'application/json' }), name);

/** Copies files into the folder `name` of `chosen`, chunk by chunk. Throws when files are there: they may be others. */
export async function saveInto(
  chosen: FileSystemDirectoryHandle,
  name: string,
  files: readonly NamedFile[],
): Promise<void> {
  const folder = await chosen.getDirectoryHandle(name, { create: true });
  if (!(await isEmpty(folder))) {
    throw new Error(
      `${chosen.name}/${name} is there already and holds files: choose another folder, or remove that one first.`,
    );
  }
  for (const { path, file } of files) {
    const parts = path.split('/');
    const last = parts.pop() ?? path;
    let parent = folder;
    for (const part of parts) parent = await parent.getDirectoryHandle(part, { create: true });
    const handle = await parent.getFileHandle(last, { create: true });
    await file.stream().pipeTo(await handle.createWritable());
  }
}

async function isEmpty(folder: FileSystemDirectoryHandle): Promise<boolean> {
  for await (const _ of folder.keys()) return false;
  return true;
}
