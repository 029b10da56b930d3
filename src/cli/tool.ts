/** What the smaller programs share: options by yargs, exit codes, the GPU. */
import yargs, { type Options } from 'yargs';
import { openGpu } from '../gpu/device.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { InputError } from '../util/errors.ts';
import { parseByteSize } from '../util/text/byte-size.ts';
import { errorText, type Surroundings } from './command.ts';
import { exitCodeOf, INTERRUPTED } from './exit-code.ts';
import { type OpenAdapter, openAdapter } from './gpu.ts';
import { budgetFor } from './gpu-memory.ts';

const HELP_WIDTH = 110;

/** Options that every program has. */
export const GPU_OPTIONS = {
  gpu: { type: 'string', description: 'Part of the name of the GPU to use.' },
  'gpu-memory-budget': { type: 'string', description: 'GPU memory to use, such as 6GB.' },
} as const satisfies Record<string, Options>;

const PARSING = { 'camel-case-expansion': false, 'boolean-negation': false, 'dot-notation': false };
/** What is not known stays as it was given, in `_`. */
const PASSING_ON = {
  'unknown-options-as-args': true,
  'greedy-arrays': false,
  'short-option-groups': false,
  'parse-positional-numbers': false,
};

/**
 * A parser that prints nothing and exits never; throws InputError for what it does not know.
 * @param passOn what it does not know is for another one.
 */
export const parser = <const O extends Record<string, Options>>(usage: string, options: O, passOn = false) =>
  yargs()
    .usage(usage)
    .parserConfiguration({ ...PARSING, ...(passOn && PASSING_ON) })
    .detectLocale(false)
    .exitProcess(false)
    .help(false)
    .version(false)
    .wrap(HELP_WIDTH)
    .options({ ...options, help: { alias: 'h', type: 'boolean', description: 'Show this help.' } } as const)
    .strict(!passOn)
    .check((given) => {
      refuseRepeats(given, options);
      return true;
    })
    .fail((message: string | null, error: Error | undefined) => {
      throw error instanceof InputError ? error : new InputError(`${message ?? error?.message} See --help.`);
    });

/** Throws InputError for an option that takes one value and was given several: yargs makes a list of them. */
function refuseRepeats(
  given: Readonly<Record<string, unknown>>,
  options: Readonly<Record<string, Options>>,
): void {
  for (const [name, { type }] of Object.entries(options)) {
    const value = given[name];
    if (type === 'array' || !Array.isArray(value)) continue;
    throw new InputError(
      `--${name} is given ${value.length} times, but takes one value: leave the others out.`,
    );
  }
}

/** Writes the help where `args` ask for it, and says whether they did. */
export async function helped(
  options: { getHelp(): Promise<string> },
  args: readonly string[],
  { out }: Pick<Surroundings, 'out'>,
): Promise<boolean> {
  if (!args.includes('--help') && !args.includes('-h')) return false;
  out.write(`${await options.getHelp()}\n`);
  return true;
}

/** Runs `work`; tells what went wrong, and gives the exit code, which `work` may know. */
export async function withExitCode(
  { signal, writeError }: Pick<Surroundings, 'signal' | 'writeError'>,
  work: () => Promise<unknown>,
): Promise<number> {
  try {
    const code = await work();
    return typeof code === 'number' ? code : 0;
  } catch (error) {
    if (signal.aborted) return INTERRUPTED;
    writeError(`${errorText(error)}\n`);
    return exitCodeOf(error);
  }
}

/** Runs `work` with the GPU that the user chose, of whose memory `workers` have a part each. */
export async function withGpu(
  wanted: string | undefined,
  budget: string | undefined,
  work: (gpu: Gpu, opened: OpenAdapter) => Promise<void>,
  workers = 1,
): Promise<void> {
  const opened = await openAdapter(wanted);
  const { bytes } = await budgetFor(opened, budget === undefined ? undefined : parseByteSize(budget));
  const gpu = await openGpu(opened.adapter, Math.floor(bytes / workers));
  try {
    await work(gpu, opened);
  } finally {
    gpu.destroy();
  }
}
