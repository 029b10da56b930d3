import type { FileEntry, WritableDirectory } from '../bytes.ts';
import { pathSegments } from '../relative-path.ts';
import type { ListedFile } from './file-list-directory.ts';
import { fileSource } from './file-source.ts';
import { handleError, isMissing } from './handle-errors.ts';
import { type OpenSink, writableSink } from './handle-sinks.ts';
import { isListed } from './listed.ts';

/**
 * A folder that the browser gave a handle for, or the folder `path` below it, which need not exist before the first
 * `create`; `list` of a missing one throws InputError. A file that is aborted leaves no folder that was made for it. As
 * much of an output lies in one folder, files of the user's beside it are never listed.
 */
export function handleDirectory(
  root: FileSystemDirectoryHandle,
  path = '',
  openSink: OpenSink = writableSink,
): WritableDirectory {
  const name = nameOf(root, path);
  const base = baseSegments(root, path);
  const attempt = async <T>(action: string, relative: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw handleError(error, action, `${name}/${relative}`);
    }
  };
  /** The names of the folders that a file is in, and its own. */
  const split = (relative: string) => {
    const segments = [...base, ...pathSegments(relative, name)];
    const last = segments.pop()!;
    return { segments, last };
  };
  /** The folder of a file, and the file's name in it. */
  const locate = async (relative: string) => {
    const { segments, last } = split(relative);
    return { folder: await descend(root, segments), last };
  };

  return {
    name,
    list: async () =>
      (await listFiles(root, path)).map(({ path, file }): FileEntry => ({ path, size: file.size })),
    open: (relative) =>
      attempt('read', relative, async () => {
        const file = await ifThere(async () => {
          const { folder, last } = await locate(relative);
          return (await folder.getFileHandle(last)).getFile();
        });
        return file && fileSource(file, `${name}/${relative}`);
      }),
    create: (relative) =>
      attempt('write', relative, async () => {
        const { segments, last } = split(relative);
        const { folder, removeNew } = await makeFolders(root, segments);
        const sink = await openSink(folder, last, `${name}/${relative}`);
        return { ...sink, abort: () => sink.abort().then(removeNew) };
      }),
    remove: (relative) =>
      attempt('remove', relative, async () => {
        await ifThere(async () => {
          const { folder, last } = await locate(relative);
          await folder.removeEntry(last);
        });
      }),
  };
}

/** The files of `root`, or of the folder `path` below it, sorted by path. Throws InputError when it is not there. */
export async function listFiles(root: FileSystemDirectoryHandle, path = ''): Promise<ListedFile[]> {
  try {
    const files = await listBelow(await descend(root, baseSegments(root, path)), '');
    return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  } catch (error) {
    throw handleError(error, 'read', nameOf(root, path));
  }
}

const nameOf = (root: FileSystemDirectoryHandle, path: string): string =>
  [root.name, path].filter((part) => part !== '').join('/');

const baseSegments = (root: FileSystemDirectoryHandle, path: string): string[] =>
  path === '' ? [] : pathSegments(path, root.name);

async function descend(
  root: FileSystemDirectoryHandle,
  segments: readonly string[],
): Promise<FileSystemDirectoryHandle> {
  let folder = root;
  for (const segment of segments) folder = await folder.getDirectoryHandle(segment);
  return folder;
}

/** As {@link descend}, making what is not there; `removeNew` takes that away again, as far as nothing is in it. */
async function makeFolders(root: FileSystemDirectoryHandle, segments: readonly string[]) {
  const made: { parent: FileSystemDirectoryHandle; name: string }[] = [];
  let folder = root;
  for (const name of segments) {
    const parent = folder;
    const there = await ifThere(() => parent.getDirectoryHandle(name));
    if (!there) made.unshift({ parent, name });
    folder = there ?? (await parent.getDirectoryHandle(name, { create: true }));
  }
  const removeNew = async (): Promise<void> => {
    try {
      for (const { parent, name } of made) await parent.removeEntry(name);
    } catch {
      // It holds something, or has gone already.
    }
  };
  return { folder, removeNew };
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
async function listBelow(folder: FileSystemDirectoryHandle, prefix: string): Promise<ListedFile[]> {
  const files: ListedFile[] = [];
  for await (const entry of folder.values()) {
    if (isDirectory(entry)) {
      files.push(...(await listBelow(entry, `${prefix}${entry.name}/`)));
    } else if (isListed(entry.name)) {
      const file = await ifThere(() => (entry as FileSystemFileHandle).getFile()); // a link to nothing is no file
      if (file) files.push({ path: prefix + entry.name, file });
    }
  }
  return files;
}

const isDirectory = (handle: FileSystemHandle): handle is FileSystemDirectoryHandle =>
  handle.kind === 'directory';
