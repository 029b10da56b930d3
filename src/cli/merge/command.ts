import { basename, dirname } from 'node:path';
import { nodeDirectory } from '../../io/platform/node/node-directory.ts';
import { writeJsonFile } from '../../io/write-file.ts';
import { mergeSlices, readSlice, type Slice } from '../../measurement/measurement-slice.ts';
import { InputError } from '../../util/errors.ts';
import { plainText } from '../../util/text/plain-text.ts';
import type { Surroundings } from '../command.ts';
import { readMeasurementFile } from '../measurement-file.ts';
import { helped, parser, withExitCode } from '../tool.ts';
import { userPath } from '../user-path.ts';

const OPTIONS = {
  output: { alias: 'o', type: 'string', demandOption: true, description: 'measurement.json to write.' },
  overwrite: { type: 'boolean', default: false, description: 'Replace that file when it is there.' },
} as const;

const USAGE =
  'npm run merge-measurements -- SLICE… -o FILE\n\nJoins slices made with --measure-layers to one measurement.json, for -m.';

type Process = Omit<Surroundings, 'version'>;

export const mergeCommand = (args: readonly string[], process: Process): Promise<number> =>
  withExitCode(process, async () => {
    // Slices are the arguments that belong to no option.
    const options = parser(USAGE, OPTIONS).strict(false).strictOptions();
    if (await helped(options, args, process)) return;
    const given = await options.parseAsync([...args]);
    const at = (path: string | number) => userPath(process.places.cwd, String(path));
    await merge(given._.map(at), at(given.output), given.overwrite);
    process.out.write(`${plainText(at(given.output))}\n`);
  });

async function merge(paths: readonly string[], output: string, overwrite: boolean): Promise<void> {
  if (paths.length === 0) throw new InputError('There are no slices to join: name their files. See --help.');
  const directory = nodeDirectory(dirname(output));
  if (!overwrite && (await directory.open(basename(output)))) {
    throw new InputError(`${output} is there already: choose another name, or give --overwrite.`);
  }
  const slices: Slice[] = [];
  for (const path of paths) slices.push(readSlice(await readMeasurementFile(path), path));
  await writeJsonFile(directory, basename(output), mergeSlices(slices));
}
