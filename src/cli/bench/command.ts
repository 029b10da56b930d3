import { basename, dirname, join } from 'node:path';
import type { Precision } from '../../autotune/precision.ts';
import type { QuantizerMethod } from '../../gptq/method.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { nodeDirectory } from '../../io/platform/node/node-directory.ts';
import { writeJsonFile } from '../../io/write-file.ts';
import type { ConvertEvent } from '../../job/events.ts';
import type { ModelConfig } from '../../model/config/config.ts';
import { InputError } from '../../util/errors.ts';
import { parseByteSize } from '../../util/text/byte-size.ts';
import { adapterName, chosenCards, seesOnly, startProcess } from '../cards.ts';
import { endOf } from '../child.ts';
import type { Surroundings } from '../command.ts';
import type { OpenAdapter } from '../gpu.ts';
import { cardNumbers } from '../option-values.ts';
import { StatusLine, writingBy } from '../terminal.ts';
import { GPU_OPTIONS, helped, parser, withExitCode, withGpu } from '../tool.ts';
import { userPath } from '../user-path.ts';
import { measureCeilings } from './ceilings.ts';
import { type BenchJob, benchConversion } from './conversion.ts';
import { ALL_KERNELS, benchKernel, chosenKernels, type KernelResult } from './kernel-bench.ts';
import { KERNELS } from './kernel-registry.ts';
import type { BenchResult, KernelBenchResult } from './result.ts';
import { DEFAULT_ROWS, parseRows, shapeConfig, shapeNames } from './shape.ts';
import { soak } from './soak.ts';
import { benchTable, kernelRow, kernelTitle } from './table.ts';

const STAGES = ['all', 'measure', 'quantize'] as const satisfies readonly BenchJob['stage'][];
const PRECISIONS = ['mixed', 'f32'] as const satisfies readonly Precision[];
const METHODS = ['refined', 'exllamav2'] as const satisfies readonly QuantizerMethod[];

const OPTIONS = {
  shape: {
    type: 'string',
    default: 'llama-1b',
    description: `Of the model: ${shapeNames()}, or hidden,mlp,heads,kv_heads,layers,vocabulary, and for experts their number, how many a token goes to and maybe the heads’ size.`,
  },
  layers: { type: 'number', description: 'Layers, instead of the shape’s own.' },
  rows: {
    type: 'string',
    default: DEFAULT_ROWS,
    description: 'Rows to measure and to quantize with, and the tokens of each (2048 where not said).',
  },
  stage: {
    choices: STAGES,
    default: 'all',
    description: 'measure: end after it. quantize: with a made-up measurement.',
  },
  quantizer: { choices: METHODS, default: 'refined', description: 'As of "npm run convert".' },
  precision: { choices: PRECISIONS, default: 'mixed', description: 'As of "npm run convert".' },
  kernel: {
    type: 'array',
    string: true,
    description: `Instead of a conversion, time kernels one by one: ${Object.keys(KERNELS).join(', ')}, or ${ALL_KERNELS}.`,
  },
  profile: {
    type: 'boolean',
    default: false,
    description: 'Time every kernel on the GPU; the whole takes somewhat longer.',
  },
  json: { type: 'string', description: 'File to write the result to as JSON.' },
  gpus: { type: 'string', description: 'Cards to share one conversion: all, or numbers such as 0,2.' },
  workers: { type: 'number', default: 1, description: 'Processes on each card.' },
  repeat: {
    type: 'number',
    default: 1,
    description: 'Conversions in a row in one process, with its memory after each.',
  },
  'memory-budget': { type: 'string', description: 'Main memory to use; states beyond it go to disk.' },
  ...GPU_OPTIONS,
} as const;

const USAGE =
  'npm run bench -- --shape NAME\n\nConverts a model of random weights and tells what took how long. Nothing is kept.';

/** This program, built; from the repository. */
const BENCH_FILE = 'dist/cli/bench.js';

type Process = Omit<Surroundings, 'version'>;

export const benchCommand = (args: readonly string[], process: Process): Promise<number> =>
  withExitCode(process, async () => {
    const options = parser(USAGE, OPTIONS);
    if (await helped(options, args, process)) return 0;
    const given = await options.parseAsync([...args]);
    const { layers, quantizer, precision, stage, profile, json } = given;
    if (layers !== undefined && !(Number.isSafeInteger(layers) && layers >= 1))
      throw new InputError(`--layers is ${layers}; expected a whole number from 1.`);
    const config = shapeConfig(given.shape, layers);
    const cards = await chosenCards(given.gpus === undefined ? undefined : cardNumbers(given.gpus));
    const [card] = cards;
    if (card && !seesOnly(card)) {
      const streams = ['inherit', 'inherit', 'inherit'] as const;
      return endOf(
        startProcess(join(process.places.root, BENCH_FILE), args, card, { streams }),
        process.signal,
      );
    }
    const { workers, repeat, 'memory-budget': memory } = given;
    const memoryBudget = memory === undefined ? undefined : parseByteSize(memory);
    const pool = { cards, workers, root: process.places.root };
    const rows = parseRows(given.rows);
    const job = { config, rows, stage, quantizer, precision, profile, pool, memoryBudget };
    const kernels = given.kernel && chosenKernels(given.kernel.map(String));
    const name = card ? adapterName(card) : given.gpu;
    const run = async (gpu: Gpu, opened: OpenAdapter) => {
      const result = kernels
        ? await benchKernels(kernels, gpu, opened, process)
        : await soak(
            repeat,
            () => bench(job, gpu, opened, process),
            (line) => process.out.write(`${line}\n`),
          );
      if (json !== undefined) await writeJson(userPath(process.places.cwd, json), result);
    };
    await withGpu(name, given['gpu-memory-budget'], run, workers);
    return 0;
  });

async function bench(
  job: Omit<BenchJob, 'gpu' | 'adapter' | 'signal' | 'onEvent'>,
  gpu: Gpu,
  { name, software }: OpenAdapter,
  { out, signal, writeError }: Process,
): Promise<BenchResult> {
  const status = new StatusLine(writingBy(out, writeError));
  const onEvent = (event: ConvertEvent) => {
    if (event.type === 'progress')
      status.update(() => `${event.stage}: ${Math.round((event.done / event.total) * 100)} %`);
  };
  try {
    const findings = await benchConversion({ ...job, gpu, adapter: { name, software }, signal, onEvent });
    const { measurement, quantization } = job.rows;
    status.clear();
    const result: BenchResult = {
      date: new Date().toISOString(),
      adapter: name,
      shape: shapeText(job.config),
      rows: `${measurement.rows},${quantization.rows},${quantization.length}`,
      stage: job.stage,
      quantizer: job.quantizer,
      precision: job.precision,
      ...findings,
    };
    out.write(`${benchTable(result)}\n`);
    return result;
  } finally {
    status.clear();
  }
}

async function benchKernels(
  names: readonly string[],
  gpu: Gpu,
  { name: adapter, software }: OpenAdapter,
  { out, signal }: Process,
): Promise<KernelBenchResult> {
  const ceilings = await measureCeilings(gpu, software);
  out.write(`${kernelTitle(adapter, ceilings)}\n`);
  const kernels: KernelResult[] = [];
  for (const name of names) {
    const result = await benchKernel(gpu, name, signal);
    out.write(result ? `${kernelRow(result, ceilings)}\n` : `${name}: this GPU cannot build it\n`);
    if (result) kernels.push(result);
  }
  return { date: new Date().toISOString(), adapter, ceilings, kernels };
}

const shapeText = (config: ModelConfig): string =>
  [
    ...[config.hiddenSize, config.intermediateSize, config.heads, config.kvHeads],
    ...[config.layers, config.vocabSize],
    ...(config.experts ? [config.experts.count, config.experts.perToken, config.headDim] : []),
  ].join(',');

const writeJson = (path: string, value: unknown): Promise<void> =>
  writeJsonFile(nodeDirectory(dirname(path)), basename(path), value);
