import { join } from 'node:path';
import { InputError } from '../../util/errors.ts';
import { type Arguments, parseArguments } from '../arguments.ts';
import type { CliOptions, Places, QueueJob } from '../options.ts';
import { checkJobs, type JobsHost } from '../queue/check-jobs.ts';
import { parseQueue } from '../queue/parse-queue.ts';
import type { Variant } from './variants.ts';

/** Everything that is to be converted. */
export interface QualityJobs {
  /** Of a conversion without any variant's options: what is compared on which GPU, and how. */
  readonly common: CliOptions;
  readonly variants: readonly VariantJobs[];
}

/** A variant with its conversions: every model at every bitrate. */
export interface VariantJobs {
  readonly variant: Variant;
  readonly jobs: readonly QueueJob[];
}

const DEFAULT_BITS = 4;

/** Options of the converter that a comparison has no use for, and why. */
const NOT_HERE = {
  compile_full: 'outputs go to the folder of --keep, or are removed',
  out_dir: 'work directories lie beside the outputs, in the folder of --keep',
  output_measurement: 'each variant is measured as it needs',
  'measure-layers': 'each variant is measured as it needs',
  jobs: 'one conversion runs at a time',
  'dry-run': 'everything is converted',
  'list-gpus': '"npm run convert -- --list-gpus" has the list',
  json: 'results go into a table, and into the file of --json',
  help: 'it has a page of its own, "npm run convert -- --help"',
  version: '"npm run convert -- --version" has it',
} as const satisfies Partial<Record<keyof Arguments, string>>;

/** What all variants share, as they are compared with the same original on the same GPU. */
const SHARED = ['in_dir', 'bits', 'rope_scale', 'rope_alpha', 'gpus'] as const satisfies (keyof Arguments)[];

/**
 * The conversions of every variant.
 * @param common options of `npm run convert` for all variants; those of a variant are stronger.
 * @param folder where the outputs go, a folder for each variant.
 * @throws InputError in the converter's words for wrong options, and for variants that are the same.
 */
export function qualityJobs(
  common: readonly string[],
  variants: readonly Variant[],
  folder: string,
  places: Places,
): QualityJobs {
  const queue = (given: Arguments, name: string): readonly QueueJob[] => {
    const { in_dir: models = [undefined], bits = [DEFAULT_BITS] } = given;
    return parseQueue({ ...given, compile_full: join(folder, name) }, { models, bits }, places).jobs;
  };
  const alike = parseArguments(common);
  refuse(alike, NOT_HERE);
  const [{ options }] = queue(alike, 'all') as [QueueJob]; // what is wrong there is told before a variant is blamed
  const all = variants.map((variant) => {
    const { name, args } = variant;
    const own = inVariant(name, () => parseArguments(args));
    inVariant(name, () => refuse(own, NOT_HERE));
    const shared = SHARED.find((option) => own[option] !== undefined);
    if (shared !== undefined)
      throw new InputError(
        `The variant "${name}": --${shared} is the same for all variants. Give it outside of --with.`,
      );
    const given = parseArguments([...common, ...args]);
    return { variant, jobs: inVariant(name, () => queue(given, variant.folder)) };
  });
  refuseSame(all);
  return { common: options, variants: all };
}

/**
 * Looks at models, calibration data, targets and places as a queue does.
 * @throws InputError with all that is wrong.
 */
export async function checkVariants(variants: readonly VariantJobs[], host: JobsHost): Promise<void> {
  for (const { variant, jobs } of variants) {
    try {
      await checkJobs(jobs, host);
    } catch (error) {
      // What is wrong with the first is mostly wrong with all.
      if (!(error instanceof InputError) || variant === variants[0]!.variant) throw error;
      throw new InputError(`The variant "${variant.name}": ${error.message}`);
    }
  }
}

function refuse(given: Arguments, reasons: Readonly<Partial<Record<keyof Arguments, string>>>): void {
  for (const [option, reason] of Object.entries(reasons)) {
    const value = given[option as keyof Arguments];
    if (value !== undefined && value !== false)
      throw new InputError(`--${option} is not for a comparison: ${reason}.`);
  }
}

/** What `parse` complains of is in this variant. */
function inVariant<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`The variant "${name}": ${error.message}`);
  }
}

function refuseSame(all: readonly VariantJobs[]): void {
  const options = all.map(({ jobs }) => JSON.stringify(withoutPlaces(jobs[0]!.options)));
  for (const [index, { variant }] of all.entries()) {
    const first = options.indexOf(options[index]!);
    if (first === index) continue;
    throw new InputError(
      `The variants "${all[first]!.variant.name}" and "${variant.name}" are the same conversion: leave one of them out.`,
    );
  }
}

const withoutPlaces = ({ outputDir: _, workDir: __, ...options }: CliOptions): Partial<CliOptions> => options;
