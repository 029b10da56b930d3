import yargs from 'yargs';
import { InputError } from '../util/errors.ts';
import { nearNames } from '../util/text/near-names.ts';
import { eachByItself, numberValue } from './number-value.ts';
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
  if (given.help) return given;
  refuseUnknown(given);
  return typedValues(given);
}

/** The arguments that say `values`, by long names. */
export function argumentsOf(values: JobArguments): string[] {
  return Object.keys(OPTIONS).flatMap((name) => {
    const value = values[name as keyof JobArguments];
    if (value === undefined || value === false) return [];
    return [value === true ? `--${name}` : `--${name}=${value}`];
  });
}

/** Of options that make no list the last one counts; numbers become numbers. */
function typedValues(given: Arguments): Arguments {
  const entries = Object.entries(given).map(([name, value]: [string, unknown]) => {
    const option: { readonly type?: string; readonly array?: boolean } | undefined =
      OPTIONS[name as keyof typeof OPTIONS];
    const typed = (one: unknown) =>
      option?.type === 'number' && typeof one === 'string' ? numberValue(name, one) : one;
    if (!option || !Array.isArray(value)) return [name, typed(value)];
    return [name, option.array ? value.map(typed) : typed(value.at(-1))];
  });
  return Object.fromEntries(entries) as Arguments;
}

/** yargs makes NaN of what is no number, and forgets what it was. */
const AS_TEXT = Object.fromEntries(
  Object.entries(OPTIONS).map(([name, option]) => [
    name,
    option.type === 'number' ? { ...option, type: 'string' } : option,
  ]),
) as unknown as typeof OPTIONS;

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
    .options(AS_TEXT)
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
    `"${stray}" belongs to no option.${strayAdvice(String(stray), given)} Through npm, options come after "--", e.g. npm run convert -- --bits 4. See --help.`,
  );
}

/** What stands alone may be the second value of an option that takes one at a time. */
function strayAdvice(stray: string, { bits, in_dir: models }: Arguments): string {
  if (bits && !Number.isNaN(Number(stray)))
    return ` For several bitrates give each by itself, as in ${eachByItself('-b', [...bits, stray])}.`;
  if (models) return ' For several models give -i before each; a path with spaces needs quotes around it.';
  return '';
}

function plain(name: string): string {
  return name.replace(/[-_]/g, '').toLowerCase();
}
