import { inspect } from 'node:util';
import type { Emit } from '../convert/events.ts';
import {
  DeviceLostError,
  InputError,
  NumericalError,
  OutOfMemoryError,
  UnsupportedError,
} from '../util/errors.ts';
import { runConversion, runDryRun } from './conversion.ts';
import { listAdapters, openAdapter } from './gpu.ts';
import { helpPage } from './help.ts';
import type { CliOptions, Places } from './options.ts';
import { parseOptions } from './parse-options.ts';
import { jsonReport, TerminalReport } from './render.ts';
import type { Terminal } from './terminal.ts';

/** What the command sees of the process. */
export interface Surroundings {
  readonly places: Places;
  readonly version: string;
  readonly out: Terminal;
  readonly writeError: (text: string) => void;
  readonly signal: AbortSignal;
}

const INTERRUPTED = 130;
const HELP_WIDTH = 110;

/** Runs the command with these arguments; the result is the exit code. */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { out, places, version, signal, writeError } = surroundings;
  try {
    const request = parseOptions(args, places);
    if (request.action === 'help')
      out.write(`${helpPage(Math.min(out.columns ?? HELP_WIDTH, HELP_WIDTH))}\n`);
    else if (request.action === 'version') out.write(`${version}\n`);
    else if (request.action === 'list-gpus') await listGpus(request.json, out);
    else await convert(request.options, surroundings);
    return 0;
  } catch (error) {
    if (signal.aborted) {
      writeError('Interrupted. Run the same command again to go on where it stopped.\n');
      return INTERRUPTED;
    }
    writeError(`${errorText(error)}\n`);
    return error instanceof InputError || error instanceof UnsupportedError ? 1 : 2;
  }
}

async function listGpus(json: boolean, out: Terminal): Promise<void> {
  for (const adapter of await listAdapters()) {
    out.write(json ? `${JSON.stringify(adapter)}\n` : `${adapter.name} (${adapter.backend})\n`);
  }
}

async function convert(options: CliOptions, { out, signal }: Surroundings): Promise<void> {
  const report = options.json ? undefined : new TerminalReport(out);
  const emit: Emit = report ? (event) => report.show(event) : jsonReport((text) => out.write(text));
  try {
    if (options.dryRun) await runDryRun(options, emit);
    else await runConversion(options, await openAdapter(options.gpu), emit, signal);
  } finally {
    report?.close();
  }
}

/** What is expected to go wrong explains itself; anything else is a bug and needs its stack. */
export function errorText(error: unknown): string {
  const explained = [InputError, UnsupportedError, NumericalError, OutOfMemoryError, DeviceLostError];
  return explained.some((type) => error instanceof type)
    ? `Error: ${(error as Error).message}`
    : inspect(error);
}
