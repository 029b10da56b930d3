import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ConvertEvent } from '../../job/events.ts';
import { endOf } from '../child.ts';

/** How much of what a job says on its way out is kept. */
const KEPT_CHARACTERS = 8000;

export interface JobEnd {
  readonly code: number;
  /** What it wrote to standard error. */
  readonly errors: string;
}

/** Follows a command that was started with `--json` to its end. It is interrupted when `signal` is aborted. */
export async function followJob(
  child: ChildProcess,
  tell: (event: ConvertEvent) => void,
  signal: AbortSignal,
): Promise<JobEnd> {
  let errors = '';
  const keep = (text: string) => {
    errors = (errors + text).slice(-KEPT_CHARACTERS);
  };
  child.stderr?.setEncoding('utf8').on('data', keep);
  createInterface(child.stdout!).on('line', (line) => {
    // Drivers have been seen to write to standard output.
    if (line.startsWith('{')) tell(JSON.parse(line) as ConvertEvent);
    else keep(`${line}\n`);
  });
  const code = await endOf(child, signal);
  return { code, errors: errors.trim() };
}
