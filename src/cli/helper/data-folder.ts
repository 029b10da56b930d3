/** Folders for data between processes, and what is left of those whose processes were killed. */

import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In main memory, where Linux has it. */
const SHARED_MEMORY = '/dev/shm';

/** Whose a folder is: its name says it. */
const NAME = /^exl2-web-(\d+)-(\d+)-(\d+)-/;

/** A new folder for processes that belong together, of which this one is the first. */
export const newDataFolder = (): string => {
  const name = `exl2-web-${pidNamespace()}-${process.pid}-${startOf(process.pid) ?? 0}-`;
  return mkdtempSync(join(sharedFolder(), name));
};

/** Removes the folders of processes that have ended without doing so themselves: they take main memory. */
export function removeLeftData(): void {
  const folder = sharedFolder();
  for (const name of readdirSync(folder)) {
    const [, namespace, pid, start] = NAME.exec(name) ?? [];
    // Process ids of another container say nothing here.
    if (
      namespace === undefined ||
      Number(namespace) !== pidNamespace() ||
      isAlive(Number(pid), Number(start))
    )
      continue;
    try {
      rmSync(join(folder, name), { recursive: true, force: true });
    } catch {
      // Another user's: his next start removes it.
    }
  }
}

/** Whether the process runs, and is the one that began then: ids are given again. */
function isAlive(pid: number, start: number): boolean {
  if (start !== 0) return startOf(pid) === start;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When the process began, as Linux counts it; undefined when there is none, and on other systems. */
function startOf(pid: number): number | undefined {
  try {
    // The name in parentheses, the second field, may have spaces in it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(fields[19]);
  } catch {
    return undefined;
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
