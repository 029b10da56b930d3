import { readFileSync } from 'node:fs';

/** What tells a process from a later one of the same number. */
export interface ProcessMark {
  readonly pid: number;
  /** Missing where the system does not say when processes were started. */
  readonly started?: string;
}

export function markOf(pid: number): ProcessMark {
  const started = startOf(pid);
  return { pid, ...(started !== undefined && { started }) };
}

export function isRunning({ pid, started }: ProcessMark): boolean {
  if (!exists(pid)) return false;
  const now = startOf(pid);
  return started === undefined || now === undefined || started === now;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's may not be asked.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process was started, on Linux: the boot of the system and the clock ticks since then; fit for a file's name. */
function startOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may have spaces; the 22nd field is the 20th after it.
    const ticks = status.slice(status.lastIndexOf(')') + 2).split(' ')[19];
    return `${boot}.${ticks}`;
  } catch {
    return undefined;
  }
}
