import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

/** As shells count: 128 and the signal that ended the process. */
const SIGNAL_BASE = 128;

/**
 * The exit code of a process that was started. It is interrupted when `signal` is aborted, and does not outlive this
 * process.
 */
export async function endOf(child: ChildProcess, signal: AbortSignal): Promise<number> {
  const interrupt = () => void child.kill('SIGINT');
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  if (signal.aborted) interrupt();
  signal.addEventListener('abort', interrupt);
  try {
    const [code, endedBy] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return code ?? SIGNAL_BASE + (endedBy ? constants.signals[endedBy] : 0);
  } finally {
    process.off('exit', end);
    signal.removeEventListener('abort', interrupt);
  }
}
