import { extname } from 'node:path';
import { BIT_WIDTHS, type BitWidth } from '../exl2/params.ts';
import { parseLayerRange } from '../job/layer-range.ts';
import { InputError } from '../util/errors.ts';
import { parseByteSize } from '../util/text/byte-size.ts';
import type { JobArguments } from './arguments.ts';
import { jobPlaces } from './job-places.ts';
import { MIB } from './option-table.ts';
import type { CliOptions, Places } from './options.ts';
import { userPath } from './user-path.ts';

const DATASET_TYPES = ['.parquet', '.txt', '.jsonl', '.safetensors'];

interface Range {
  readonly min: number;
  readonly max: number;
  readonly integer?: boolean;
}

const RANGES = {
  bits: { min: 2, max: 8 },
  shard_size: { min: 0, max: 2 ** 24 },
  dataset_rows: { min: 1, max: 1e6, integer: true },
  measurement_rows: { min: 1, max: 1e6, integer: true },
  // One token predicts nothing.
  length: { min: 2, max: 2 ** 20, integer: true },
  measurement_length: { min: 2, max: 2 ** 20, integer: true },
  'descent-passes': { min: 0, max: 100, integer: true },
  jobs: { min: 1, max: 64, integer: true },
  workers: { min: 1, max: 64, integer: true },
  seed: { min: 0, max: 2 ** 32 - 1, integer: true },
  rope_scale: { min: 0.01, max: 1000 },
  rope_alpha: { min: 0.01, max: 1000 },
} as const satisfies Record<string, Range>;

/** Values checked and paths resolved. Throws InputError. */
export function checkedOptions(given: JobArguments, places: Places): CliOptions {
  for (const [name, range] of Object.entries(RANGES))
    checkRange(name, given[name as keyof typeof RANGES], range);
  checkDataset(given.cal_dataset);
  const path = (text: string) => userPath(places.cwd, text);
  const measurements = { measurement: given.measurement, outputMeasurement: given.output_measurement };
  if (measurements.measurement !== undefined && measurements.outputMeasurement !== undefined) {
    throw new InputError(
      '--measurement takes a finished measurement and --output_measurement makes one: give one of them.',
    );
  }
  if (given.gpu !== undefined && given.gpus !== undefined)
    throw new InputError('--gpu names an adapter and --gpus numbers cards: give one of them.');
  const measureLayers = optional(given['measure-layers'], (text) =>
    parseLayerRange(text, '--measure-layers'),
  );
  if (measureLayers !== undefined && measurements.outputMeasurement === undefined) {
    throw new InputError(
      '--measure-layers measures a slice for a file of its own: name it with --output_measurement.',
    );
  }
  return {
    ...jobPlaces(given, given.bits, places, measureLayers),
    resume: !given.no_resume,
    // As in ExLlamaV2, 0 is one file.
    shardBytes: given.shard_size === 0 ? Number.POSITIVE_INFINITY : Math.ceil(given.shard_size * MIB),
    bits: given.bits,
    headBits: headBits(given.head_bits),
    quantizer: given.quantizer,
    precision: given.precision,
    seed: given.seed,
    workers: given.workers,
    dryRun: given['dry-run'] ?? false,
    json: given.json ?? false,
    ...present({
      descentPasses: given['descent-passes'],
      measurement: optional(given.measurement, path),
      outputMeasurement: optional(given.output_measurement, path),
      measureLayers,
      calDataset: optional(given.cal_dataset, path),
      preset: given.preset,
      datasetRows: given.dataset_rows,
      length: given.length,
      measurementRows: given.measurement_rows,
      measurementLength: given.measurement_length,
      ropeScale: given.rope_scale,
      ropeAlpha: given.rope_alpha,
      gpu: given.gpu,
      gpus: optional(given.gpus, cardNumbers),
      gpuMemoryBytes: optional(given['gpu-memory-budget'], memoryBudget('gpu-memory-budget')),
      memoryBytes: optional(given['memory-budget'], memoryBudget('memory-budget')),
    }),
  };
}

function checkRange(name: string, value: number | undefined, { min, max, integer }: Range): void {
  if (value === undefined || (value >= min && value <= max && (!integer || Number.isInteger(value)))) return;
  const kind = integer ? 'a whole number' : 'a number';
  throw new InputError(`--${name} must be ${kind} from ${min} to ${max}, not ${value}.`);
}

function headBits(value: number): BitWidth {
  const width = BIT_WIDTHS.find((bits) => bits === value);
  if (width !== undefined) return width;
  throw new InputError(`--head_bits must be one of ${BIT_WIDTHS.join(', ')}, not ${value}.`);
}

function checkDataset(path: string | undefined): void {
  if (path === undefined || DATASET_TYPES.includes(extname(path).toLowerCase())) return;
  throw new InputError(`--cal_dataset ${path}: the file must end in one of ${DATASET_TYPES.join(', ')}.`);
}

const memoryBudget =
  (option: string) =>
  (text: string): number => {
    const bytes = parseByteSize(text);
    if (bytes >= MIB) return bytes;
    throw new InputError(`--${option} ${text} is ${bytes} bytes: give a unit, such as 6GB or 512MiB.`);
  };

/** The value of `--gpus`: `all`, or `0,2` → [0, 2]. */
export function cardNumbers(text: string): 'all' | number[] {
  if (text === 'all') return 'all';
  const numbers = /^\d+(,\d+)*$/.test(text) ? text.split(',').map(Number) : [];
  if (numbers.length > 0 && new Set(numbers).size === numbers.length) return numbers;
  throw new InputError(`--gpus ${text}: expected all, or different numbers of --list-gpus, as in 0,2.`);
}

function optional<T, R>(value: T | undefined, then: (value: T) => R): R | undefined {
  return value === undefined ? undefined : then(value);
}

/** Without the keys whose value is undefined. */
function present<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
