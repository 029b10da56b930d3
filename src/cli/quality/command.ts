import { basename, dirname, join } from 'node:path';
import { isJsonObject } from '../../io/json/json.ts';
import { nodeDirectory } from '../../io/platform/node/node-directory.ts';
import { writeJsonFile } from '../../io/write-file.ts';
import { InputError } from '../../util/errors.ts';
import { type Card, chosenCards, openCard, seesOnly, startProcess } from '../cards.ts';
import { endOf } from '../child.ts';
import type { Surroundings } from '../command.ts';
import { endableTokenizer } from '../endable.ts';
import { checkShape, LENGTH_OPTION, ROWS_OPTION, TEXT_OPTION } from '../evaluate/text.ts';
import { checkResultFile } from '../result-file.ts';
import { withTemporaryFolder } from '../temporary-folder.ts';
import { helped, parser, withExitCode } from '../tool.ts';
import { userPath } from '../user-path.ts';
import { checkVariants, qualityJobs } from './jobs.ts';
import { QualityReport } from './report.ts';
import type { Asked, QualityResults } from './result.ts';
import { QualityRun } from './run.ts';
import { openFinished, stepsOf } from './steps.ts';
import { parseVariants, type Variant } from './variants.ts';

const OPTIONS = {
  with: {
    type: 'array',
    string: true,
    description:
      'A variant to compare: words that name it, then its options, as in --with "plain --quantizer exllamav2". ' +
      'Repeated: the others are compared with the first one. Options outside of it are of all variants.',
  },
  model: {
    type: 'array',
    string: true,
    description: 'Directory of a finished model to evaluate too: EXL2, ours or ExLlamaV2’s, or unquantized.',
  },
  text: TEXT_OPTION,
  'text-rows': ROWS_OPTION,
  'text-length': LENGTH_OPTION,
  keep: {
    type: 'string',
    description:
      'Directory to keep the outputs in, a folder for each variant; the same command then goes on where it was ' +
      'stopped (default: a temporary folder, from which each output is removed once it has been compared).',
  },
  json: { type: 'string', description: 'File to write the results to as JSON, a new one.' },
} as const;

const USAGE =
  'npm run quality -- -i DIR… -b B… --with "OPTIONS"…\n\n' +
  'Converts models in several ways and tells what each costs: KL divergence from the original, perplexity, agreement. ' +
  'Besides the options below it takes those of "npm run convert" that say what to convert, how, and on what: -i, -b, ' +
  '--preset, -c, --gpus, --workers and so on ("npm run convert -- --help" has them).';

/** This program, built; from the repository. */
const QUALITY_FILE = 'dist/cli/quality.js';
const FAILED = 2;

type Process = Omit<Surroundings, 'version'>;

/** What the program was asked for; paths are as given. */
interface Given {
  readonly with: readonly string[];
  readonly model: readonly string[];
  readonly text: string | undefined;
  readonly rows: number;
  readonly length: number;
  readonly keep: string | undefined;
  readonly json: string | undefined;
  /** Options of the converter. */
  readonly common: readonly string[];
}

export const qualityCommand = (args: readonly string[], process: Process): Promise<number> =>
  withExitCode(process, async () => {
    const options = parser(USAGE, OPTIONS, true);
    if (await helped(options, args, process)) return 0;
    const parsed = await options.parseAsync(withValues(args));
    const given: Given = {
      ...{ with: parsed.with ?? [], model: parsed.model ?? [], text: parsed.text, keep: parsed.keep },
      ...{ rows: parsed['text-rows'], length: parsed['text-length'], json: parsed.json },
      common: parsed._.map(String),
    };
    checkShape({ rows: ['--text-rows', given.rows], length: ['--text-length', given.length] });
    const variants = parseVariants(given.with);
    const run = (folder: string) => compare(args, given, variants, folder, process);
    return given.keep === undefined
      ? withTemporaryFolder('exl2-quality-', run)
      : run(userPath(process.places.cwd, given.keep));
  });

/** `--with X` as `--with=X`: the options of a variant are no options of this program. */
function withValues(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg !== '--with') joined.push(arg);
    else if (args[++i] === undefined)
      throw new InputError('--with names no variant: give its options in quotes after it. See --help.');
    else joined.push(`--with=${args[i]}`);
  }
  return joined;
}

/** @returns the exit code. */
async function compare(
  args: readonly string[],
  given: Given,
  variants: readonly Variant[],
  folder: string,
  process: Process,
): Promise<number> {
  const { places, signal, writeError } = process;
  const { common, variants: all } = qualityJobs(given.common, variants, folder, places);
  const finished = await openFinished(
    given.model.map((path) => userPath(places.cwd, path)),
    all,
  );
  const models = stepsOf(all, finished);
  const asked: Asked = {
    models: models.map(({ inDir }) => inDir),
    bits: [...new Set(all[0]!.jobs.map(({ options }) => options.bits))],
    variants: variants.map(({ name, args }) => ({ name, options: args })),
    options: given.common,
    finished: finished.map(({ model }) => model.source.name),
    text: given.text === undefined ? null : userPath(places.cwd, given.text),
    rows: given.rows,
    length: given.length,
  };
  const cards = await chosenCards(common.gpus);
  const [card] = cards;
  if (card && !seesOnly(card)) return inProcessOf(card, args, process);
  const { name: adapter, software } = await openCard(card, common.gpu);
  await checkVariants(all, { software, openTokenizer: endableTokenizer(signal) });
  const json = given.json === undefined ? undefined : userPath(places.cwd, given.json);
  if (json !== undefined) await checkResultFile(json, '--json', (there) => isOfSame(there, asked));
  const date = new Date().toISOString();
  const report = new QualityReport(models, textName(given.text), {
    ...process,
    async save(results) {
      if (json === undefined) return;
      const comparison: QualityResults = { date, adapter, asked, ...results };
      await writeJsonFile(nodeDirectory(dirname(json)), basename(json), comparison);
    },
  });
  const request = {
    ...{ models, common, cwd: places.cwd, keep: given.keep !== undefined },
    text: { text: given.text, rows: given.rows, length: given.length },
    evaluation: { card, name: common.gpu, budgetBytes: common.gpuMemoryBytes },
    conversion: { cards, root: places.root },
  };
  try {
    await new QualityRun(request, report, signal).run();
  } catch (error) {
    report.close();
    if (signal.aborted && given.keep !== undefined)
      writeError('Interrupted. Run the same command again to go on where it stopped.\n');
    throw error;
  }
  const { failures } = report;
  if (failures.length === 0) return 0;
  writeError(`Failed:\n${failures.join('')}`);
  return FAILED;
}

const isOfSame = (there: unknown, asked: Asked): boolean =>
  isJsonObject(there) && JSON.stringify(there['asked']) === JSON.stringify(asked);

const textName = (text: string | undefined): string =>
  text === undefined ? 'the held-out text of the calibration mix' : basename(text);

/** Runs this program in a process that sees one card. */
function inProcessOf(card: Card, args: readonly string[], { places, signal }: Process): Promise<number> {
  const streams = ['inherit', 'inherit', 'inherit'] as const;
  return endOf(startProcess(join(places.root, QUALITY_FILE), args, card, { streams }), signal);
}
