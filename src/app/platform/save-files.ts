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
