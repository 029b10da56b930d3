/** People choose or drop the folder that the model's folder is in: where that is plain, it is taken. */

import type { NamedFile } from '../../../workers/api/folders.ts';

const CONFIG = 'config.json';

/** The folder itself where it is a model's, or holds none or several; else the one model's folder in it. */
export async function innerModelFolder(
  folder: FileSystemDirectoryHandle,
): Promise<FileSystemDirectoryHandle> {
  if (await hasConfig(folder)) return folder;
  const models: FileSystemDirectoryHandle[] = [];
  for await (const child of folder.values()) {
    if (child.kind === 'directory' && (await hasConfig(child as FileSystemDirectoryHandle)))
      models.push(child as FileSystemDirectoryHandle);
    if (models.length > 1) return folder;
  }
  return models[0] ?? folder;
}

const hasConfig = (folder: FileSystemDirectoryHandle): Promise<boolean> =>
  folder.getFileHandle(CONFIG).then(
    () => true,
    () => false,
  );

interface NamedFiles {
  readonly name: string;
  readonly files: readonly NamedFile[];
}

/** The same for files that are known by their paths. */
export function innerModelFiles({ name, files }: NamedFiles): NamedFiles {
  if (files.some(({ path }) => path === CONFIG)) return { name, files };
  const inner = files.flatMap(({ path }) => /^([^/]+)\/config\.json$/.exec(path)?.[1] ?? []);
  const [folder] = inner;
  if (folder === undefined || inner.length > 1) return { name, files };
  const prefix = `${folder}/`;
  const within = files.filter(({ path }) => path.startsWith(prefix));
  return { name: folder, files: within.map(({ path, file }) => ({ path: path.slice(prefix.length), file })) };
}
