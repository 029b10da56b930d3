import type { FileEntry, WritableDirectory } from '../bytes.ts';
import { pathSegments } from '../relative-path.ts';
import { fileSource } from './file-source.ts';
import { handleError, isMissing } from './handle-errors.ts';
import { type OpenSink, writableSink } from './handle-sinks.ts';
import { PARTIAL } from './partial.ts';

/**
 * A folder that the browser gave a handle for, or the folder `path` below it, which need not exist before the first
 * `create`; `list` of a missing one throws InputError. As much of an output lies in one folder, files of the user's
 * beside it are never listed.
 */
export function handleDirectory(
  root: FileSystemDirectoryHandle,
  path = '',
  openSink: OpenSink = writableSink,
): WritableDirectory {
  const name = [root.name, path].filter((part) => part !== '').join('/');
  const base = path === '' ? [] : pathSegments(path, root.name);
  const attempt = async <T>(action: string, relative: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw handleError(error, action, relative === '' ? name : `${name}/${relative}`);
    }
  };
  /** The folder of a file, and the file's name in it. */
  const locate = async (relative: string, create: boolean) => {
    const segments = [...base, ...pathSegments(relative, name)];
    const last = segments.pop()!;
    return { folder: await descend(root, segments, create), last };
  };

  return {
    name,
    list: () =>
      attempt('read', '', async () => {
        const files = await listBelow(await descend(root, base, false), '');
        return files.sort((a, b) => (a.path < b.path ? -1 : 1));
      }),
    open: (relative) =>
      attempt('read', relative, async () => {
        const file = await ifThere(async () => {
          const { folder, last } = await locate(relative, false);
          return (await folder.getFileHandle(last)).getFile();
        });
        return file && fileSource(file, `${name}/${relative}`);
      }),
    create: (relative) =>
      attempt('write', relative, async () => {
        const { folder, last } = await locate(relative, true);
        return openSink(folder, last, `${name}/${relative}`);
      }),
    remove: (relative) =>
      attempt('remove', relative, async () => {
        await ifThere(async () => {
          const { folder, last } = await locate(relative, false);
          await folder.removeEntry(last);
        });
      }),
  };
}

async function descend(
  root: FileSystemDirectoryHandle,
  segments: readonly string[],
  create: boolean,
): Promise<FileSystemDirectoryHandle> {
  let folder = root;
  for (const segment of segments) folder = await folder.getDirectoryHandle(segment, { create });
  return folder;
}

async function ifThere<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The files of `folder`, with `prefix` before their names. */
async function listBelow(folder: FileSystemDirectoryHandle, prefix: string): Promise<FileEntry[]> {
  const files: FileEntry[] = [];
  for await (const entry of folder.values()) {
    if (isDirectory(entry)) {
      files.push(...(await listBelow(entry, `${prefix}${entry.name}/`)));
    } else if (!entry.name.endsWith(PARTIAL)) {
      const file = await ifThere(() => (entry as FileSystemFileHandle).getFile()); // a link to nothing is no file
      if (file) files.push({ path: prefix + entry.name, size: file.size });
    }
  }
  return files;
}

const isDirectory = (handle: FileSystemHandle): handle is FileSystemDirectoryHandle =>
  handle.kind === 'directory';
