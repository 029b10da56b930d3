import { fileURLToPath } from 'node:url';
import type { Surroundings } from './command.ts';
import { INTERRUPTED } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

/** The repository, as seen from dist/cli. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** npm passes a Ctrl-C on to its child, which has had it from the terminal already: both are one. */
const SAME_INTERRUPT_MS = 500;

function standardOutput(): Terminal {
  const { stdout, env } = process;
  const isScreen = stdout.isTTY && env['TERM'] !== 'dumb';
  return {
    write: (text) => void stdout.write(text),
    get columns() {
      return isScreen ? stdout.columns : undefined;
    },
    get rows() {
      return isScreen ? stdout.rows : undefined;
    },
    colors: isScreen && !env['NO_COLOR'],
    now: () => performance.now() / 1000,
  };
}

/** Aborted by the first Ctrl-C; the second ends the process, and so does the end of the process that started it. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAt: number | undefined;
  // A process of ours that started this one says so itself.
  const isChild = process.send !== undefined;
  if (isChild) process.on('disconnect', () => process.exit(INTERRUPTED));
  process.on('SIGINT', () => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      if (!isChild) process.stderr.write('\nStopping … (Ctrl-C again: at once)\n');
      controller.abort();
    } else if (now - firstAt > SAME_INTERRUPT_MS) {
      process.exit(INTERRUPTED);
    }
  });
  return controller.signal;
}

/** Runs a program with the arguments of this process, and ends the process with the exit code that it gives. */
export async function runProcess(
  program: (args: readonly string[], surroundings: Omit<Surroundings, 'version'>) => Promise<number>,
): Promise<never> {
  const exitCode = await program(process.argv.slice(2), {
    places: { cwd: process.cwd(), root },
    out: standardOutput(),
    writeError: (text) => void process.stderr.write(text),
    signal: interruptSignal(),
  });
  // A pipe may still have to take what was written. GPU objects would keep the process alive.
  await new Promise((resolve) => process.stdout.write('', resolve));
  process.exit(exitCode);
}
