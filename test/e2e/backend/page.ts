/** Lets the tests, which drive the browser from Node, talk to the coordinator. Runs in the page. */

import { proxy, wrap } from 'comlink';
import type { CoordinatorApi } from '../../../workers/api/coordinator.ts';
import type { NamedFile } from '../../../workers/api/folders.ts';
import type { JobUpdate } from '../../../workers/api/jobs.ts';
import type { storage as Storage } from './storage-worker.ts';

export type Files = Readonly<Record<string, string>>;

const worker = new Worker(new URL('../../../workers/coordinator.ts', import.meta.url), { type: 'module' });
const api = wrap<CoordinatorApi>(worker);
const updates: JobUpdate[] = [];

/** Files given as base64, as a folder in the browser's storage: its handle is like one of a folder of the user's. */
async function folder(name: string, files: Files = {}): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  const handle = await root.getDirectoryHandle(name, { create: true });
  for (const [path, data] of Object.entries(files)) {
    const stream = await (await handle.getFileHandle(path, { create: true })).createWritable();
    await stream.write(bytes(data));
    await stream.close();
  }
  return handle;
}

const bytes = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

/** SHA-256 of each file, in hex. */
async function digests(files: readonly NamedFile[]): Promise<Record<string, string>> {
  const entries = files.map(async ({ path, file }) => {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
    return [path, Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Resolves with the first update, past or to come, that `matches`. */
function seen(matches: (update: JobUpdate) => boolean): Promise<JobUpdate> {
  return new Promise((resolve) => {
    const found = updates.find(matches);
    if (found) resolve(found);
    else waiting.add({ matches, resolve });
  });
}

const waiting = new Set<{ matches: (update: JobUpdate) => boolean; resolve: (update: JobUpdate) => void }>();

await api.watch(
  proxy((update: JobUpdate) => {
    updates.push(update);
    for (const wait of waiting) {
      if (!wait.matches(update)) continue;
      waiting.delete(wait);
      wait.resolve(update);
    }
  }),
);

const storageWorker = new Worker(new URL('./storage-worker.ts', import.meta.url), { type: 'module' });
const storage = wrap<typeof Storage>(storageWorker);

/** Handles of what was dropped on the page. */
const dropped: FileSystemDirectoryHandle[] = [];
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', async (event) => {
  event.preventDefault();
  const item = event.dataTransfer?.items[0] as DroppedItem | undefined;
  if (item) dropped.push((await item.getAsFileSystemHandle()) as FileSystemDirectoryHandle);
});

type DroppedItem = DataTransferItem & { getAsFileSystemHandle(): Promise<FileSystemHandle> };

export const backend = { api, updates, folder, bytes, digests, seen, storage, dropped };
Object.assign(globalThis, { backend });
