import { join } from 'node:path';
import { inspect } from 'node:util';
import type { Emit } from '../job/events.ts';
import {
  DeviceLostError,
  InputError,
  MainMemoryError,
  NumericalError,
  OutOfMemoryError,
  UnsupportedError,
} from '../util/errors.ts';
import { isExhausted, mainMemoryError } from '../util/main-memory.ts';
import { plainText } from '../util/text/plain-text.ts';
import { chosenCards, listCards, openCard, seesOnly, startProcess } from './cards.ts';
import { endOf } from './child.ts';
import { runConversion } from './conversion.ts';
import { runDryRun } from './dry-run.ts';
import { exitCodeOf, INTERRUPTED } from './exit-code.ts';
import { listAdapters } from './gpu.ts';
import { helpPage } from './help.ts';
import { jsonLine } from './json-line.ts';
import type { CliOptions, Places } from './options.ts';
import { parseOptions } from './parse-options.ts';
import { runQueueCommand } from './queue/command.ts';
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

/** This command, built; from the repository. */
const COMMAND_FILE = 'dist/cli/main.js';
const HELP_WIDTH = 110;
/** Characters of an error with its stack. */
const MAX_STACK = 10_000;

/** Runs the command with these arguments; the result is the exit code. */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { out, places, version, signal, writeError } = surroundings;
  try {
    const request = parseOptions(args, places);
    if (request.action === 'help')
      out.write(`${helpPage(Math.min(out.columns ?? HELP_WIDTH, HELP_WIDTH))}\n`);
    else if (request.action === 'version') out.write(`${version}\n`);
    else if (request.action === 'list-gpus') await listGpus(request.json, out);
    else if (request.action === 'queue')
      return await runQueueCommand({
        ...surroundings,
        queue: request.queue,
        file: join(places.root, COMMAND_FILE),
      });
    else return await convert(args, request.options, surroundings);
    return 0;
  } catch (error) {
    if (signal.aborted) {
      writeError('Interrupted. Run the same command again to go on where it stopped.\n');
      return INTERRUPTED;
    }
    writeError(`${errorText(error)}\n`);
    return exitCodeOf(error);
  }
}

async function listGpus(json: boolean, out: Terminal): Promise<void> {
  const cards = await listCards();
  const adapters = await listAdapters();
  const lines = json
    ? [...cards, ...adapters].map((entry) => jsonLine(entry).trimEnd())
    : [
        'Cards, for --gpus:',
        ...cards.map(({ number, name, file }) => `  ${number}  ${name}${file ? ` (${file})` : ''}`),
        'Adapters, for --gpu:',
        ...adapters.map(({ name, backend }) => `  ${name} (${backend})`),
      ];
  for (const line of lines) out.write(`${line}\n`);
}

/** Converts here, or in a process that sees the first chosen card only. The result is the exit code. */
async function convert(
  args: readonly string[],
  options: CliOptions,
  { out, places, signal }: Surroundings,
): Promise<number> {
  const cards = options.dryRun ? [] : await chosenCards(options.gpus);
  const [card] = cards;
  if (card && !seesOnly(card)) {
    const streams = ['inherit', 'inherit', 'inherit'] as const;
    return endOf(startProcess(join(places.root, COMMAND_FILE), args, card, { streams }), signal);
  }
  const report = options.json ? undefined : new TerminalReport(out);
  const emit: Emit = report ? (event) => report.show(event) : jsonReport((text) => out.write(text));
  try {
    if (options.dryRun) await runDryRun(options, emit, signal);
    else {
      const adapter = await openCard(card, options.gpu);
      await runConversion(options, { adapter, cards, root: places.root }, emit, signal);
    }
    return 0;
  } finally {
    report?.close();
  }
}

const EXPLAINED = [
  InputError,
  UnsupportedError,
  NumericalError,
  OutOfMemoryError,
  MainMemoryError,
  DeviceLostError,
];

/** What is expected to go wrong explains itself; anything else is a bug and needs its stack. */
export function errorText(error: unknown): string {
  if (isExhausted(error)) return `Error: ${mainMemoryError('this', error).message}`;
  return EXPLAINED.some((type) => error instanceof type)
    ? `Error: ${(error as Error).message}`
    : plainText(inspect(error), MAX_STACK);
}
