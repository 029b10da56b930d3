import yargs from 'yargs';
import { InputError } from '../util/errors.ts';
import { nearNames } from '../util/near-names.ts';
import { OPTIONS } from './option-table.ts';

export type Arguments = ReturnType<ReturnType<typeof argumentParser>['parseSync']>;

/** Those of one job: one model, one bitrate. */
export type JobArguments = {
  readonly [K in Exclude<keyof typeof OPTIONS, 'in_dir' | 'bits'>]: Arguments[K];
} & {
  readonly in_dir: string | undefined;
  readonly bits: number;
};

/** Values by long name, of the right types but unchecked. Throws InputError for an option that does not exist. */
export function parseArguments(args: readonly string[]): Arguments {
  const given = argumentParser().parseSync([...args]);
  if (!given.help) refuseUnknown(given);
  return withoutRepeats(given);
}

/** The arguments that say `values`, by long names. */
export function argumentsOf(values: JobArguments): string[] {
  return Object.keys(OPTIONS).flatMap((name) => {
    const value = values[name as keyof JobArguments];
    if (value === undefined || value === false) return [];
    return [value === true ? `--${name}` : `--${name}=${value}`];
  });
}

/** Of options that make no list the last one counts. */
function withoutRepeats(given: Arguments): Arguments {
  const entries = Object.entries(given).map(([name, value]) => {
    const isList = name in OPTIONS && 'array' in OPTIONS[name as keyof typeof OPTIONS];
    return [name, Array.isArray(value) && !isList && name !== '_' ? value.at(-1) : value];
  });
  return Object.fromEntries(entries) as Arguments;
}

/** Parses only: prints nothing, exits never. The multi-letter short forms (`-hb`) are single options. */
function argumentParser() {
  return yargs()
    .parserConfiguration({
      'short-option-groups': false,
      'camel-case-expansion': false,
      'greedy-arrays': false,
      'boolean-negation': false,
      'dot-notation': false,
      'parse-positional-numbers': false,
    })
    .detectLocale(false)
    .help(false)
    .version(false)
    .exitProcess(false)
    .options(OPTIONS)
    .requiresArg(namesOf(({ type }) => type !== 'boolean'))
    .fail((message: string | null, error: Error | undefined) => {
      throw error instanceof InputError ? error : new InputError(`${message ?? error?.message}. See --help.`);
    });
}

function namesOf(isWanted: (option: (typeof OPTIONS)[keyof typeof OPTIONS]) => boolean): string[] {
  return Object.entries(OPTIONS)
    .filter(([, option]) => isWanted(option))
    .map(([name]) => name);
}

/** Long and short names as they are typed. */
function spellings(): string[] {
  return Object.entries(OPTIONS).flatMap(([name, option]) => [
    `--${name}`,
    ...('alias' in option
      ? [option.alias].flat().map((alias) => `${alias.length < 3 ? '-' : '--'}${alias}`)
      : []),
  ]);
}

function refuseUnknown(given: Arguments): void {
  const known = new Set(spellings().map((spelling) => spelling.replace(/^-+/, '')));
  const unknown = Object.keys(given).find((name) => name !== '_' && name !== '$0' && !known.has(name));
  if (unknown !== undefined) {
    // People write --in-dir as well as --list_gpus.
    const sameWords = spellings().filter((spelling) => plain(spelling) === plain(unknown));
    const near = sameWords.length > 0 ? sameWords : nearNames(`--${unknown}`, spellings());
    const hint = near.length > 0 ? `: did you mean ${near.join(' or ')}?` : '.';
    throw new InputError(`There is no option "${unknown}"${hint} See --help.`);
  }
  const [stray] = given._;
  if (stray === undefined) return;
  throw new InputError(
    `"${stray}" belongs to no option. Through npm, options come after "--", e.g. npm run convert -- --bits 4. See --help.`,
  );
}

function plain(name: string): string {
  return name.replace(/[-_]/g, '').toLowerCase();
}
