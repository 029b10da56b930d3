import yargs from 'yargs';
import type { BitWidth } from '../exl2/params.ts';
import { InputError } from '../util/errors.ts';
import { nearNames } from '../util/near-names.ts';
import { OPTIONS } from './option-table.ts';
import { checkedOptions } from './option-values.ts';

export type Preset = 'quick' | 'standard';

/** What a conversion is asked to do. All paths are absolute. */
export interface CliOptions {
  readonly inDir: string;
  /** Where the finished model goes. */
  readonly outputDir: string;
  readonly workDir: string;
  readonly resume: boolean;
  readonly shardBytes: number;
  readonly bits: number;
  readonly headBits: BitWidth;
  /** Measurement file to take. */
  readonly measurement?: string;
  /** Measurement file to write; the job ends with it. */
  readonly outputMeasurement?: string;
  /** Undefined: by the adapter. */
  readonly preset?: Preset;
  /** Undefined: the built-in mix. */
  readonly calDataset?: string;
  /** Rows and their tokens; undefined: by the preset. */
  readonly datasetRows?: number;
  readonly length?: number;
  readonly measurementRows?: number;
  readonly measurementLength?: number;
  readonly seed: number;
  readonly ropeScale?: number;
  readonly ropeAlpha?: number;
  /** Part of the adapter's name; undefined: the system's first. */
  readonly gpu?: string;
  readonly gpuMemoryBytes?: number;
  readonly dryRun: boolean;
  readonly json: boolean;
}

export type CliRequest =
  | { readonly action: 'help' }
  | { readonly action: 'version' }
  | { readonly action: 'list-gpus'; readonly json: boolean }
  | { readonly action: 'convert'; readonly options: CliOptions };

/** Where paths start. */
export interface Places {
  /** The user's relative paths. */
  readonly cwd: string;
  /** The repository: the bundled model, and `out/`. */
  readonly root: string;
}

/** The arguments after the program's name. Throws InputError with a message that says what to write instead. */
export function parseOptions(args: readonly string[], places: Places): CliRequest {
  const given = argumentParser().parseSync([...args]);
  if (given.help) return { action: 'help' };
  if (given.version) return { action: 'version' };
  refuseUnknown(given);
  if (given['list-gpus']) return { action: 'list-gpus', json: given.json ?? false };
  return { action: 'convert', options: checkedOptions(given, places) };
}

/** Parses only: prints nothing, exits never. The multi-letter short forms (`-hb`) are single options. */
function argumentParser() {
  return yargs()
    .parserConfiguration({
      'short-option-groups': false,
      'camel-case-expansion': false,
      'duplicate-arguments-array': false,
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

export type Arguments = ReturnType<ReturnType<typeof argumentParser>['parseSync']>;

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
