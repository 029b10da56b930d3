import { resolve } from 'node:path';
import { evaluateModel } from '../../evaluate/evaluate.ts';
import { finalStates, type TokenRows } from '../../evaluate/final-states.ts';
import type { Measures } from '../../evaluate/measures.ts';
import { type EvaluatedModel, openEvaluatedModel } from '../../evaluate/open-model.ts';
import { documentRows, splitDocuments } from '../../evaluate/text-rows.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { readChunked } from '../../io/chunks.ts';
import { decodeUtf8 } from '../../io/json.ts';
import { refusePointer } from '../../io/mistaken-files.ts';
import { nodeDirectory } from '../../io/platform/node-directory.ts';
import { loadTokenizer } from '../../tokenizer/tokenizer.ts';
import { InputError } from '../../util/errors.ts';
import { readMix } from '../calibration.ts';
import type { Surroundings } from '../command.ts';
import { openFile } from '../open-file.ts';
import { StatusLine } from '../terminal.ts';
import { GPU_OPTIONS, helped, parser, withExitCode, withGpu } from '../tool.ts';
import { type Evaluation, evaluationRow, evaluationTitle } from './table.ts';

/** States of rows lie on the GPU at multiples of 256 bytes. */
const LENGTH_MULTIPLE = 32;

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
  text: {
    type: 'string',
    description:
      'Text file, documents separated by <|endoftext|> (default: the held-out text of the calibration mix).',
  },
  rows: { type: 'number', default: 20, description: 'Rows of tokens, at most.' },
  length: { type: 'number', default: 512, description: 'Tokens of a row, a multiple of 32.' },
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
    checkShape(given.rows, given.length);
    await withGpu(given.gpu, given['gpu-memory-budget'], (gpu) => evaluateAll(gpu, given, process));
  });

function checkShape(rows: number, length: number): void {
  if (!Number.isSafeInteger(rows) || rows < 1)
    throw new InputError(`--rows is ${rows}; expected a whole number from 1.`);
  if (!Number.isSafeInteger(length) || length < LENGTH_MULTIPLE || length % LENGTH_MULTIPLE !== 0) {
    throw new InputError(`--length is ${length}; expected a multiple of ${LENGTH_MULTIPLE}.`);
  }
}

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
  const open = (path: string | number): Promise<EvaluatedModel> =>
    openEvaluatedModel(nodeDirectory(resolve(places.cwd, String(path))));
  const reference = await open(given.ref);
  // All are opened before the work begins, so that a mistake is told at once.
  const models: EvaluatedModel[] = [];
  for (const path of given.model) models.push(await open(path));
  const rows = await textRows(given, places.cwd);
  const status = new StatusLine({ ...out, write: writeError });
  const steps = (name: string) => (done: number, total: number) => {
    signal.throwIfAborted();
    status.update(() => `${name}: ${Math.round((done / total) * 100)} %`);
  };
  const states = await finalStates(gpu, reference, rows, steps(reference.name));
  try {
    for (const [i, model] of models.entries()) {
      const started = performance.now();
      const measures = await evaluateModel(gpu, { model: reference, states }, model, rows, steps(model.name));
      status.clear();
      const evaluation = describe(model, measures, (performance.now() - started) / 1000);
      if (given.json) out.write(`${JSON.stringify(evaluation)}\n`);
      else out.write(`${i === 0 ? evaluationTitle(evaluation) : ''}${evaluationRow(evaluation)}\n`);
    }
  } finally {
    status.clear();
    states.free();
  }
}

const describe = (
  { name, quantization, source }: EvaluatedModel,
  measures: Measures,
  seconds: number,
): Evaluation => ({
  name,
  bits: quantization?.bits,
  bytes: source.weightFiles().reduce((sum, { size }) => sum + size, 0),
  measures,
  seconds,
});

async function textRows({ ref, text, rows, length }: Given, cwd: string): Promise<TokenRows> {
  const tokenizer = await loadTokenizer(nodeDirectory(resolve(cwd, ref)));
  if (text === undefined) {
    const { heldOut } = await readMix();
    return documentRows(
      'The held-out text',
      heldOut.map((document) => document.text),
      tokenizer,
      length,
      rows,
    );
  }
  const source = await openFile(resolve(cwd, text));
  await refusePointer(source);
  const documents = splitDocuments(decodeUtf8(await readChunked(source, 0, source.size), source.name));
  return documentRows(source.name, documents, tokenizer, length, rows);
}
