/**
 * The options as data: yargs parses by them, the help page shows them (`value` names what follows an option).
 * Where ExLlamaV2's convert.py has an option, ours has its names, long and short, with underscores; names of ours have
 * dashes.
 */

import { quantizerSettings, SHARD_BYTES } from '../job/settings.ts';

/** The unit of `--shard_size`. */
export const MIB = 2 ** 20;

const FILES = 'Files';
const TARGET = 'Quantization';
const CALIBRATION = 'Calibration and measurement';
const ROPE = 'Context length of the model';
const GPU = 'GPU';
const REPORT = 'What is reported';

export const OPTIONS = {
  in_dir: {
    alias: 'i',
    group: FILES,
    type: 'string',
    array: true,
    value: 'DIR',
    description:
      'Directory of the model: config.json, tokenizer.json and safetensors, as Hugging Face has them. Only read. Repeated: a queue of models.',
    defaultDescription: 'the bundled tinystories-7m',
  },
  compile_full: {
    alias: 'cf',
    group: FILES,
    type: 'string',
    value: 'DIR',
    description: 'Directory for the finished model; of a queue, for a folder of each.',
    defaultDescription: 'out/<name>-<bits>bpw in the repository',
  },
  out_dir: {
    alias: 'o',
    group: FILES,
    type: 'string',
    value: 'DIR',
    description: 'Work directory of the job: what a later run resumes from; of a queue, for one of each.',
    defaultDescription: '.<name>.work beside the finished model',
  },
  no_resume: {
    alias: 'nr',
    group: FILES,
    type: 'boolean',
    description: 'Start anew, dropping what the work directory holds.',
  },
  shard_size: {
    alias: 'ss',
    group: FILES,
    type: 'number',
    value: 'MIB',
    default: SHARD_BYTES / MIB,
    description: 'Largest size of one output file, in MiB; 0: one file, however large.',
  },
  bits: {
    alias: 'b',
    group: TARGET,
    type: 'number',
    array: true,
    value: 'B',
    description:
      'Average bits per weight of the attention and MLP layers, 2 to 8. Repeated: one output for each, from one measurement.',
    defaultDescription: '4',
  },
  head_bits: {
    alias: 'hb',
    group: TARGET,
    type: 'number',
    value: 'B',
    default: 6,
    description: 'Bits per weight of the output layer: 2, 3, 4, 5, 6 or 8.',
  },
  quantizer: {
    group: TARGET,
    type: 'string',
    value: 'NAME',
    choices: ['refined', 'exllamav2'],
    default: 'refined',
    description:
      'refined: better scales and codes, and finer mixes of bit widths, in the same format. exllamav2: what ExLlamaV2 does.',
  },
  'descent-passes': {
    group: TARGET,
    type: 'number',
    value: 'N',
    description: 'Passes over the codes that the refined quantizer makes to improve them.',
    defaultDescription: `${quantizerSettings('refined', 'standard').descentPasses}; of the quick preset ${quantizerSettings('refined', 'quick').descentPasses}`,
  },
  precision: {
    group: GPU,
    type: 'string',
    value: 'NAME',
    choices: ['mixed', 'f32'],
    default: 'mixed',
    description:
      'mixed: where the GPU has matrix units, forward passes round activations and weights to half precision and sum in f32. f32: they do not.',
  },
  measurement: {
    alias: 'm',
    group: CALIBRATION,
    type: 'string',
    value: 'FILE',
    description: 'measurement.json of an earlier run, or of ExLlamaV2: skips the measurement.',
  },
  output_measurement: {
    alias: 'om',
    group: CALIBRATION,
    type: 'string',
    value: 'FILE',
    description: 'Only measure, and write the result to this file, a new one.',
  },
  'measure-layers': {
    group: CALIBRATION,
    type: 'string',
    value: 'A-B',
    description:
      'Measure only these layers, counted from 0, as one of several machines; npm run merge-measurements joins the files. Needs --output_measurement.',
  },
  preset: {
    group: CALIBRATION,
    type: 'string',
    value: 'NAME',
    choices: ['quick', 'standard'],
    description:
      'quick: 8 rows of 32 tokens to measure; 16 of 64 to quantize, or as many as give four tokens for each input of the widest linear. standard: the full mix, 19 and 115 rows of 2048.',
    defaultDescription: 'standard; quick on an adapter in software',
  },
  cal_dataset: {
    alias: 'c',
    group: CALIBRATION,
    type: 'string',
    value: 'FILE',
    description: 'Own calibration data: .parquet, .txt, .jsonl, or .safetensors with token rows.',
    defaultDescription: 'a built-in mix of prose, code and languages',
  },
  dataset_rows: {
    alias: 'r',
    group: CALIBRATION,
    type: 'number',
    value: 'N',
    description: 'Rows to quantize with. The standard mix has its own number.',
    defaultDescription: 'by the preset; 100 of own data',
  },
  length: {
    alias: 'l',
    group: CALIBRATION,
    type: 'number',
    value: 'N',
    description: 'Tokens in each of them.',
    defaultDescription: 'by the preset',
  },
  measurement_rows: {
    alias: 'mr',
    group: CALIBRATION,
    type: 'number',
    value: 'N',
    description: 'Rows to measure with. The standard mix has its own number.',
    defaultDescription: 'by the preset; 16 of own data',
  },
  measurement_length: {
    alias: 'ml',
    group: CALIBRATION,
    type: 'number',
    value: 'N',
    description: 'Tokens in each of them.',
    defaultDescription: 'by the preset',
  },
  seed: {
    group: CALIBRATION,
    type: 'number',
    value: 'N',
    default: 0,
    description: 'Seed of whatever is random. On one machine the same seed gives the same result.',
  },
  rope_scale: {
    alias: 'rs',
    group: ROPE,
    type: 'number',
    value: 'X',
    description: 'Linear RoPE scale, over what config.json says.',
  },
  rope_alpha: {
    alias: 'ra',
    group: ROPE,
    type: 'number',
    value: 'X',
    description: 'NTK RoPE alpha, over what config.json says.',
  },
  gpu: {
    group: GPU,
    type: 'string',
    value: 'NAME',
    description: 'Adapter to use: a part of its name.',
    defaultDescription: 'the first that the system offers',
  },
  gpus: {
    group: GPU,
    type: 'string',
    value: 'all|N,…',
    description: 'Cards to use, by the numbers of --list-gpus, such as 1 or 0,2; all: every card.',
    defaultDescription: 'one, the first that the system offers',
  },
  workers: {
    group: GPU,
    type: 'number',
    value: 'N',
    default: 1,
    description: 'Processes on each card.',
  },
  jobs: {
    group: GPU,
    type: 'number',
    value: 'N',
    description: 'Models of a queue to convert at a time; they share the cards.',
    defaultDescription: 'one for each card',
  },
  'list-gpus': { group: GPU, type: 'boolean', description: 'List cards and adapters, and exit.' },
  'gpu-memory-budget': {
    group: GPU,
    type: 'string',
    value: 'SIZE',
    description: 'Most GPU memory to take, such as 6GB or 512MiB. Less memory costs time, not quality.',
    defaultDescription: 'most of what is free, or 6 GiB where nothing tells',
  },
  'memory-budget': {
    group: GPU,
    type: 'string',
    value: 'SIZE',
    description:
      'Most main memory to take, such as 16GB. Calibration states beyond it go to disk, into --out_dir: that costs time, not quality.',
    defaultDescription: '60 % of what the machine has',
  },
  'dry-run': {
    group: REPORT,
    type: 'boolean',
    description:
      'Compute nothing: look for all that would be refused, in the weights too of models of up to 2 GiB, and show every module, the sizes of its candidates, the size of the result, and memory and disk needed.',
  },
  json: {
    alias: ['so', 'status_output'],
    group: REPORT,
    type: 'boolean',
    description: 'Report one JSON object a line on stdout and nothing else.',
  },
  help: { alias: 'h', group: REPORT, type: 'boolean', description: 'Show this page.' },
  version: { group: REPORT, type: 'boolean', description: 'Show the version.' },
} as const;
