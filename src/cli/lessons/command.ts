import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import type { Gpu } from '../../gpu/gpu.ts';
import { nodeModelDirectory } from '../../io/platform/node/node-model-directory.ts';
import type { LessonOrigin } from '../../learn/data/stored-lessons.ts';
import { openRunnableModel } from '../../runnable/runnable-model.ts';
import { loadTokenizer } from '../../tokenizer/tokenizer.ts';
import { builtInText } from '../calibration.ts';
import type { Surroundings } from '../command.ts';
import { GPU_OPTIONS, helped, parser, withExitCode, withGpu } from '../tool.ts';
import { userPath } from '../user-path.ts';
import { storedMeasurement } from './measurement.ts';
import { storedOutputs } from './outputs.ts';

const OPTIONS = {
  ref: { type: 'string', demandOption: true, description: 'Directory of the original model.' },
  model: {
    type: 'array',
    string: true,
    demandOption: true,
    description: 'Directories of its EXL2 outputs, by rising bits.',
  },
  measurement: { type: 'string', demandOption: true, description: 'The measurement.json they come from.' },
  tokens: { type: 'number', demandOption: true, description: 'Calibration tokens of that measurement.' },
  out: { type: 'string', demandOption: true, description: 'Directory to write to.' },
  ...GPU_OPTIONS,
} as const;

const USAGE =
  'npm run build:lessons\n\nWrites what the lessons of the page show of conversions of the bundled model.';

type Process = Omit<Surroundings, 'version'>;

export const lessonsCommand = (args: readonly string[], process: Process): Promise<number> =>
  withExitCode(process, async () => {
    const options = parser(USAGE, OPTIONS);
    if (await helped(options, args, process)) return;
    const given = await options.parseAsync([...args]);
    await withGpu(given.gpu, given['gpu-memory-budget'], (gpu, { name }) =>
      writeLessons(gpu, name, given, process),
    );
  });

interface Given {
  readonly ref: string;
  readonly model: readonly (string | number)[];
  readonly measurement: string;
  readonly tokens: number;
  readonly out: string;
}

async function writeLessons(gpu: Gpu, adapter: string, given: Given, { places }: Process): Promise<void> {
  const path = (name: string | number) => userPath(places.cwd, String(name));
  const original = await openRunnableModel(nodeModelDirectory(path(given.ref)));
  const outputs = [];
  for (const name of given.model) outputs.push(await openRunnableModel(nodeModelDirectory(path(name))));
  const tokenizer = await loadTokenizer(nodeModelDirectory(path(given.ref)));
  const made: LessonOrigin = {
    date: new Date().toISOString().slice(0, 10),
    model: basename(original.name),
    machine: `${adapter}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`,
  };
  const out = path(given.out);
  await mkdir(out, { recursive: true });
  const write = (name: string, value: unknown) => writeFile(join(out, name), `${JSON.stringify(value)}\n`);
  await write(
    'measurement.json',
    await storedMeasurement(path(given.measurement), given.tokens, original, made),
  );
  await write(
    'outputs.json',
    await storedOutputs(gpu, [original, ...outputs], tokenizer, await builtInText(), made),
  );
}
