import type { KernelTime } from '../../gpu/profiler.ts';
import { formatByteSize } from '../../util/text/byte-size.ts';
import { formatDuration } from '../../util/text/duration.ts';
import { type Column, tableRow, titleRow } from '../table.ts';
import type { Ceilings } from './ceilings.ts';
import type { KernelResult } from './kernel-bench.ts';
import type { BenchResult, Profile } from './result.ts';

const MODULES: readonly Column[] = [
  { title: 'module', width: 28, align: 'left' },
  { title: 'measured, s', width: 12, align: 'right' },
  { title: 'quantized, s', width: 12, align: 'right' },
];

const RATES: readonly Column[] = [
  { title: 'TFLOP/s', width: 9, align: 'right' },
  { title: 'of GEMM', width: 7, align: 'right' },
  { title: 'GB/s', width: 7, align: 'right' },
  { title: 'of copy', width: 7, align: 'right' },
];

const KERNELS: readonly Column[] = [
  { title: 'kernel', width: 22, align: 'left' },
  { title: 'dispatches', width: 10, align: 'right' },
  { title: 'GPU s', width: 8, align: 'right' },
  { title: 'share', width: 7, align: 'right' },
  ...RATES,
];

const SINGLE_KERNELS: readonly Column[] = [
  { title: 'kernel', width: 22, align: 'left' },
  { title: 'ms', width: 9, align: 'right' },
  ...RATES,
  { title: 'size', width: 4, align: 'left' },
];

/** Of a stage's GPU time; the JSON has every kernel. */
const LEAST_SHARE = 0.001;

const KINDS = [
  { title: 'attention, mean', pattern: /\.self_attn$/ },
  { title: 'MLP, mean', pattern: /\.mlp$/ },
  { title: 'experts, mean', pattern: /\.block_sparse_moe/ },
] as const;

const WARNINGS = 'Warnings (the weights are random: perplexities and errors mean nothing):';

/** Everything about a conversion, as lines. */
export const benchTable = (result: BenchResult): string =>
  [
    ...header(result),
    '',
    ...stageLines(result),
    '',
    ...moduleLines(result),
    '',
    ...memoryLines(result),
    ...(result.profile ? ['', ...profileLines(result.stages, result.profile)] : []),
    ...result.adjustments,
    ...(result.warnings.length > 0 ? ['', WARNINGS, ...result.warnings] : []),
  ].join('\n');

const header = ({ adapter, shape, rows, quantizer, modelSeconds, profile }: BenchResult): string[] => [
  `${adapter}: shape ${shape}, rows ${rows}, ${quantizer} quantizer${profile ? ', with timestamps' : ''}`,
  `random model made in ${formatDuration(modelSeconds)}`,
];

function stageLines({ stages, seconds }: BenchResult): string[] {
  const line = (name: string, value: number) => `${name.padEnd(18)} ${value.toFixed(2).padStart(9)} s`;
  return [...stages.map((stage) => line(stage.stage, stage.seconds)), line('whole conversion', seconds)];
}

function moduleLines({ modules }: BenchResult): string[] {
  const seconds = (stage: string, isWanted: (key: string) => boolean): string => {
    const times = modules.filter((module) => module.stage === stage && isWanted(module.key));
    return times.length === 0 ? '' : (sum(times.map((time) => time.seconds)) / times.length).toFixed(2);
  };
  const row = (title: string, isWanted: (key: string) => boolean) =>
    tableRow(MODULES, [title, seconds('measure', isWanted), seconds('quantize', isWanted)]);
  const keys = [...new Set(modules.map(({ key }) => key))];
  return [
    titleRow(MODULES),
    ...keys.map((key) => row(key, (other) => other === key)),
    ...KINDS.filter(({ pattern }) => keys.some((key) => pattern.test(key))).map(({ title, pattern }) =>
      row(title, (key) => pattern.test(key)),
    ),
  ];
}

function memoryLines({ memory, io }: BenchResult): string[] {
  const { gpuPeakBytes, gpuMostInUseBytes, gpuBudgetBytes, gpuLeastBytes, mainPeakBytes } = memory;
  const bytes = Object.entries(io).map(
    ([name, { read, written }]) =>
      `${name}: ${formatByteSize(read)} read, ${formatByteSize(written)} written`,
  );
  return [
    `GPU memory: peak ${formatByteSize(gpuPeakBytes)}, at most ${formatByteSize(gpuMostInUseBytes)} in use after a step, budget ${formatByteSize(gpuBudgetBytes)}, least planned ${formatByteSize(gpuLeastBytes)}; main memory: peak ${formatByteSize(mainPeakBytes)}`,
    `Files: ${bytes.join('; ')}`,
  ];
}

function profileLines(stages: BenchResult['stages'], profile: Profile): string[] {
  const { gpuSeconds, waitingShare, ceilings, kernels } = profile;
  const sections = [...new Set(kernels.map(({ section }) => section))];
  return [
    `GPU busy ${gpuSeconds.toFixed(2)} s; it waited ${percent(waitingShare)} of the time. ${ceilingText(ceilings)}`,
    ...sections.flatMap((section) => {
      const own = kernels.filter((kernel) => kernel.section === section);
      const seconds = stages.find(({ stage }) => stage === section)?.seconds;
      return ['', sectionTitle(section, own, seconds), titleRow(KERNELS), ...kernelRows(own, ceilings)];
    }),
  ];
}

function sectionTitle(section: string, kernels: readonly KernelTime[], wall: number | undefined): string {
  const busy = sum(kernels.map(({ seconds }) => seconds));
  const waited = wall === undefined ? '' : `; it waited ${percent(Math.max(0, 1 - busy / wall))}`;
  return `${section}: GPU busy ${busy.toFixed(2)} s${waited}`;
}

function kernelRows(kernels: readonly KernelTime[], ceilings: Ceilings): string[] {
  const total = sum(kernels.map(({ seconds }) => seconds));
  return kernels
    .filter(({ seconds }) => seconds >= LEAST_SHARE * total)
    .map(({ kernel, dispatches, seconds, flops, bytes }) =>
      tableRow(KERNELS, [
        kernel,
        String(dispatches),
        seconds.toFixed(3),
        percent(seconds / total),
        ...rateCells(flops / seconds, bytes / seconds, ceilings),
      ]),
    );
}

const ceilingText = ({ flops, bandwidth }: Ceilings): string =>
  `f32 GEMM ${teraflops(flops)} TFLOP/s, copy ${gigabytes(bandwidth)} GB/s.`;

/** TFLOP/s, its share of the GEMM's, GB/s, its share of the copy's; empty where there is no count. */
function rateCells(flops: number, bytes: number, ceilings: Ceilings): string[] {
  const known = (rate: number) => Number.isFinite(rate) && rate > 0;
  return [
    ...(known(flops) ? [teraflops(flops), percent(flops / ceilings.flops)] : ['', '']),
    ...(known(bytes) ? [gigabytes(bytes), percent(bytes / ceilings.bandwidth)] : ['', '']),
  ];
}

/** The head of the table of single kernels. */
export const kernelTitle = (adapter: string, ceilings: Ceilings): string =>
  `${adapter}: ${ceilingText(ceilings)}\n${titleRow(SINGLE_KERNELS)}`;

/** One kernel of that table. */
export const kernelRow = (
  { kernel, size, seconds, flops = 0, bytes = 0 }: KernelResult,
  ceilings: Ceilings,
): string =>
  tableRow(SINGLE_KERNELS, [
    kernel,
    (seconds * 1000).toPrecision(3),
    ...rateCells(flops / seconds, bytes / seconds, ceilings),
    size,
  ]);

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const teraflops = (rate: number): string => (rate / 1e12).toPrecision(3);
const gigabytes = (rate: number): string => (rate / 1e9).toPrecision(3);
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
