/** Folders for data between processes, and what is left of those whose processes were killed. */

import { mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, markOf } from '../process-mark.ts';

/** In main memory, where Linux has it. */
const SHARED_MEMORY = '/dev/shm';

/** For when the process was started, where the system does not say that. */
const UNKNOWN = '0';

/** Whose a folder is: its name says it. */
const NAME = /^exl2-web-(\d+)-(\d+)-(.*)-/;

/** A new folder for processes that belong together, of which this one is the first. */
export const newDataFolder = (): string => {
  const { pid, started = UNKNOWN } = markOf(process.pid);
  const name = `exl2-web-${pidNamespace()}-${pid}-${started}-`;
  return mkdtempSync(join(sharedFolder(), name));
};

/** Removes the folders of processes that have ended without doing so themselves: they take main memory. */
export function removeLeftData(): void {
  const folder = sharedFolder();
  for (const name of readdirSync(folder)) {
    const [, namespace, pid, started] = NAME.exec(name) ?? [];
    // Process ids of another container say nothing here.
    if (namespace === undefined || Number(namespace) !== pidNamespace()) continue;
    if (isRunning({ pid: Number(pid), ...(started !== UNKNOWN && { started: started! }) })) continue;
    try {
      rmSync(join(folder, name), { recursive: true, force: true });
    } catch {
      // Another user's: his next start removes it.
    }
  }
}

/** 0 on other systems than Linux. */
function pidNamespace(): number {
  try {
    return Number(/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? 0);
  } catch {
    return 0;
  }
}

function sharedFolder(): string {
  try {
    if (statSync(SHARED_MEMORY).isDirectory()) return SHARED_MEMORY;
  } catch {
    // Other systems keep recent files in memory too.
  }
  return tmpdir();
}
