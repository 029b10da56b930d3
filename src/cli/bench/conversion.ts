import { join } from 'node:path';
import type { Precision } from '../../autotune/precision.ts';
import { convert } from '../../convert/convert.ts';
import { gpuNeed } from '../../estimate/gpu-need.ts';
import { fileBytesIn } from '../../estimate/memory-need.ts';
import { headParams } from '../../exl2/candidates.ts';
import type { QuantizerMethod } from '../../gptq/method.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { Profiler } from '../../gpu/profiler.ts';
import { type ByteCount, countBytes } from '../../io/counted-directory.ts';
import { nodeDirectory } from '../../io/platform/node/node-directory.ts';
import type { ConvertEvent, ModuleEvent } from '../../job/events.ts';
import { type ConvertSettings, QUANTIZERS, SHARD_BYTES } from '../../job/settings.ts';
import type { StageName } from '../../job/stages.ts';
import { openModel } from '../../model/check/open-model.ts';
import type { ModelConfig } from '../../model/config/config.ts';
import { UnsupportedError } from '../../util/errors.ts';
import { withTemporaryFolder } from '../temporary-folder.ts';
import { type PoolRequest, startWorkerProcesses } from '../worker-processes.ts';
import { measureCeilings } from './ceilings.ts';
import { kernelWork } from './kernel-work.ts';
import { madeUpMeasurement } from './made-up-measurement.ts';
import { writeRandomModel } from './random-model.ts';
import { randomRows } from './random-rows.ts';
import type { BenchFindings, Profile } from './result.ts';
import type { BenchRows } from './shape.ts';

/** As ExLlamaV2's times were taken. */
const BITS = { bits: 4, headBits: 6 } as const;
/** Kernels that are tried out before the first stage. */
const BEFORE_STAGES = 'start';

export interface BenchJob {
  readonly gpu: Gpu;
  readonly adapter: { readonly name: string; readonly software: boolean };
  readonly config: ModelConfig;
  readonly rows: BenchRows;
  readonly stage: 'all' | 'measure' | 'quantize';
  readonly quantizer: QuantizerMethod;
  readonly precision: Precision;
  readonly profile: boolean;
  /** Bytes of main memory; undefined: without limit. */
  readonly memoryBudget: number | undefined;
  /** Who shares the conversion. */
  readonly pool: Pick<PoolRequest, 'cards' | 'workers' | 'root'>;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ConvertEvent) => void;
}

/** Makes a random model in a new temporary folder, converts it as the command line would, and removes all again. */
export async function benchConversion(job: BenchJob): Promise<BenchFindings> {
  if (job.profile && !job.gpu.device.features.has('timestamp-query')) {
    throw new UnsupportedError(
      `${job.adapter.name} has no timestamps (the WebGPU feature timestamp-query): leave --profile away, for the times of stages and modules.`,
    );
  }
  return withTemporaryFolder('exl2-bench-', async (folder) => {
    const started = performance.now();
    await writeRandomModel(nodeDirectory(join(folder, 'model')), job.config, job.signal);
    const modelSeconds = (performance.now() - started) / 1000;
    return { modelSeconds, ...(await convertModel(job, folder)) };
  });
}

async function convertModel(job: BenchJob, folder: string): Promise<Omit<BenchFindings, 'modelSeconds'>> {
  const { gpu, adapter, config, rows, onEvent, signal } = job;
  const counts = { model: newCount(), work: newCount(), output: newCount() };
  const directory = (name: keyof typeof counts) =>
    countBytes(nodeDirectory(join(folder, name)), counts[name]);
  const { settings, gpuLeastBytes } = await benchSettings(job, folder);
  const profiler = job.profile ? new Profiler(gpu.device, kernelWork) : undefined;
  const seen = new SeenEvents();
  if (profiler) profiler.section = BEFORE_STAGES;
  gpu.profiler = profiler;
  const places = { inDir: join(folder, 'model'), workDir: join(folder, 'work') };
  const processes = startWorkerProcesses({ ...job.pool, ...places, budgetBytes: gpu.memory.budget }, signal);
  const started = performance.now();
  await convert({
    ...{ gpu, adapter, settings, control: { signal }, remotes: processes.links },
    memoryBudget: job.memoryBudget,
    model: directory('model'),
    output: directory('output'),
    work: directory('work'),
    calibration: randomRows(rows, config.vocabSize),
    emit: (event) => {
      if (profiler && event.type === 'stage' && event.state === 'started') profiler.section = event.stage;
      seen.see(event);
      onEvent(event);
    },
  }).finally(processes.stop);
  const seconds = (performance.now() - started) / 1000;
  const { peak, budget } = gpu.memory;
  return {
    seconds,
    stages: seen.stages,
    modules: seen.modules,
    memory: {
      gpuPeakBytes: peak,
      gpuMostInUseBytes: seen.mostInUse,
      gpuBudgetBytes: budget,
      gpuLeastBytes,
      mainPeakBytes: process.resourceUsage().maxRSS * 1024,
    },
    io: counts,
    warnings: seen.warnings,
    adjustments: seen.adjustments,
    ...(profiler && { profile: await profileOf(job, profiler, seconds) }),
  };
}

/** Also the least GPU memory that is planned for it, in bytes. */
async function benchSettings(
  { stage, quantizer, precision, rows }: BenchJob,
  folder: string,
): Promise<{ settings: ConvertSettings; gpuLeastBytes: number }> {
  const { source, plan } = await openModel(nodeDirectory(join(folder, 'model')), {});
  const settings = {
    ...BITS,
    quantizer: QUANTIZERS[quantizer],
    precision,
    shardBytes: SHARD_BYTES,
    dataset: 'random tokens',
    measureOnly: stage === 'measure',
    ...(stage === 'quantize' && { measurement: madeUpMeasurement(plan) }),
  };
  const head = headParams(BITS.headBits);
  return {
    settings,
    gpuLeastBytes: gpuNeed(plan, head, rows, settings.quantizer, fileBytesIn(source)).bytes,
  };
}

async function profileOf({ gpu, adapter }: BenchJob, profiler: Profiler, seconds: number): Promise<Profile> {
  gpu.profiler = undefined;
  await gpu.sync();
  const kernels = await profiler.times();
  const gpuSeconds = kernels.reduce((sum, kernel) => sum + kernel.seconds, 0);
  const ceilings = await measureCeilings(gpu, adapter.software);
  return { gpuSeconds, waitingShare: Math.max(0, 1 - gpuSeconds / seconds), ceilings, kernels };
}

const newCount = (): ByteCount => ({ read: 0, written: 0 });

/** What of the events is told at the end. */
class SeenEvents {
  readonly stages: { stage: StageName; seconds: number }[] = [];
  readonly modules: Pick<ModuleEvent, 'stage' | 'key' | 'seconds'>[] = [];
  readonly warnings: string[] = [];
  readonly adjustments: string[] = [];
  mostInUse = 0;

  see(event: ConvertEvent): void {
    if (event.type === 'stage' && event.state === 'done') {
      this.stages.push({ stage: event.stage, seconds: event.seconds! });
    } else if (event.type === 'module') {
      const { stage, key, seconds } = event;
      this.modules.push({ stage, key, seconds });
    } else if (event.type === 'memory') {
      this.mostInUse = Math.max(this.mostInUse, event.gpuBytes);
    } else if (event.type === 'warning') {
      this.warnings.push(event.message);
    } else if (event.type === 'adjustment') {
      this.adjustments.push(event.message);
    }
  }
}
