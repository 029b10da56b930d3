/** Files on their way out of the page. */

import type { NamedFile } from '../../../workers/api.ts';

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

/** Copies files into a folder, chunk by chunk. */
export async function saveInto(
  folder: FileSystemDirectoryHandle,
  files: readonly NamedFile[],
): Promise<void> {
  for (const { path, file } of files) {
    const parts = path.split('/');
    const name = parts.pop() ?? path;
    let parent = folder;
    for (const part of parts) parent = await parent.getDirectoryHandle(part, { create: true });
    const handle = await parent.getFileHandle(name, { create: true });
    await file.stream().pipeTo(await handle.createWritable());
  }
}
