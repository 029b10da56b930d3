import { evaluateModel } from '../../evaluate/evaluate.ts';
import { finalStates } from '../../evaluate/final-states.ts';
import type { Metrics } from '../../evaluate/metrics.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { nodeModelDirectory } from '../../io/platform/node/node-model-directory.ts';
import { openRunnableModel, type RunnableModel } from '../../runnable/runnable-model.ts';
import { plainText } from '../../util/text/plain-text.ts';
import type { Surroundings } from '../command.ts';
import { jsonLine } from '../json-line.ts';
import { StatusLine, writingBy } from '../terminal.ts';
import { GPU_OPTIONS, helped, parser, withExitCode, withGpu } from '../tool.ts';
import { userPath } from '../user-path.ts';
import { type Evaluation, evaluationRow, evaluationTitle } from './table.ts';
import { checkShape, LENGTH_OPTION, ROWS_OPTION, TEXT_OPTION, textRows } from './text.ts';

const OPTIONS = {
  ref: {
    type: 'string',
    demandOption: true,
    description: 'Directory of the original model (or any to compare with).',
  },
  model: {
    type: 'array',
    string: true,
    demandOption: true,
    description: 'Directories of the models to measure: EXL2, ours or ExLlamaV2’s, or unquantized.',
  },
  text: TEXT_OPTION,
  rows: ROWS_OPTION,
  length: LENGTH_OPTION,
  json: { type: 'boolean', default: false, description: 'Print one JSON object a model.' },
  ...GPU_OPTIONS,
} as const;

const USAGE =
  'npm run evaluate -- --ref DIR --model DIR…\n\nMeasures what quantization cost: perplexity, KL divergence and agreement with the original.';

type Process = Omit<Surroundings, 'version'>;

export const evaluateCommand = (args: readonly string[], process: Process): Promise<number> =>
  withExitCode(process, async () => {
    const options = parser(USAGE, OPTIONS);
    if (await helped(options, args, process)) return;
    const given = await options.parseAsync([...args]);
    checkShape({ rows: ['--rows', given.rows], length: ['--length', given.length] });
    await withGpu(given.gpu, given['gpu-memory-budget'], (gpu) => evaluateAll(gpu, given, process));
  });

interface Given {
  readonly ref: string;
  readonly model: readonly (string | number)[];
  readonly text: string | undefined;
  readonly rows: number;
  readonly length: number;
  readonly json: boolean;
}

async function evaluateAll(
  gpu: Gpu,
  given: Given,
  { out, signal, places, writeError }: Process,
): Promise<void> {
  const open = (path: string | number): Promise<RunnableModel> =>
    openRunnableModel(nodeModelDirectory(userPath(places.cwd, String(path))));
  const reference = await open(given.ref);
  // All are opened before the work begins, so that a mistake is told at once.
  const models: RunnableModel[] = [];
  for (const path of given.model) models.push(await open(path));
  const rows = await textRows(userPath(places.cwd, given.ref), given, places.cwd, signal);
  const status = new StatusLine(writingBy(out, writeError));
  const steps = (name: string) => (done: number, total: number) => {
    signal.throwIfAborted();
    status.update(() => `${plainText(name)}: ${Math.round((done / total) * 100)} %`);
  };
  const states = await finalStates(gpu, reference, rows, steps(reference.name));
  try {
    for (const [i, model] of models.entries()) {
      const started = performance.now();
      const measures = await evaluateModel(gpu, { model: reference, states }, model, rows, steps(model.name));
      status.clear();
      const evaluation = describe(model, measures, (performance.now() - started) / 1000);
      if (given.json) out.write(jsonLine(evaluation));
      else out.write(`${i === 0 ? evaluationTitle(evaluation) : ''}${evaluationRow(evaluation)}\n`);
    }
  } finally {
    status.clear();
    await states.free();
  }
}

const describe = (
  { name, quantization, source }: RunnableModel,
  measures: Metrics,
  seconds: number,
): Evaluation => ({
  name,
  bits: quantization?.bits,
  bytes: source.weightFiles().reduce((sum, { size }) => sum + size, 0),
  measures,
  seconds,
});
