import type { CoordinatorApi } from './api/coordinator.ts';
import type { OutputTarget } from './api/folders.ts';
import type { JobEntry } from './job-store.ts';

type NeededHandles = Awaited<ReturnType<CoordinatorApi['handles']>>;

/** Chrome's; TypeScript's types lack it. Where it is missing there are no handles to folders of the user's. */
type AskableHandle = FileSystemDirectoryHandle & {
  queryPermission?: (mode: { mode: 'read' | 'readwrite' }) => Promise<PermissionState>;
};

/** A folder of the user's is locked; only the page can ask for it. */
class PermissionError extends Error {
  override readonly name = 'PermissionError';
}

/** The handles of a job that the browser does not permit any more, or not yet. */
export async function missingPermissions({ source, output }: JobEntry): Promise<NeededHandles> {
  const handles = [
    ...(source.kind === 'handle' ? [{ handle: source.handle, mode: 'read' as const }] : []),
    ...handleOf(output).map((handle) => ({ handle, mode: 'readwrite' as const })),
  ];
  const states = await Promise.all(handles.map(({ handle, mode }) => permission(handle, mode)));
  return handles.filter((_, i) => states[i] !== 'granted');
}

/** Throws PermissionError when the browser does not permit all folders of a job. */
export async function requirePermissions(entry: JobEntry): Promise<void> {
  const [missing] = await missingPermissions(entry);
  if (!missing) return;
  const what = missing.mode === 'read' ? 'read' : 'write to';
  throw new PermissionError(
    `The browser does not allow the page to ${what} the folder “${missing.handle.name}” any more: go on, and choose “Allow”.`,
  );
}

const handleOf = (output: OutputTarget): FileSystemDirectoryHandle[] =>
  output.kind === 'handle' ? [output.handle] : [];

const permission = async (handle: AskableHandle, mode: 'read' | 'readwrite'): Promise<PermissionState> =>
  (await handle.queryPermission?.({ mode })) ?? 'granted';
