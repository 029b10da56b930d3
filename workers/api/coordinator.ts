/**
 * What the page and its workers say to each other. Everything is structured-cloneable, so comlink passes it as it is.
 *
 * The page talks to the coordinator alone. The coordinator owns the jobs: their records, the allocation, restarts.
 * It starts a GPU worker that owns adapter and device, reads the model and writes the output itself.
 *
 * Errors arrive with name and message; the message says what to do. What workers lack is the page's part: asking for
 * permissions, `navigator.storage.persist()`, the wake lock.
 */

import type { TextRequest } from '../../src/inference/text-request.ts';
import type { PackedRecording } from '../../src/job/recording/packed.ts';
import type { InspectedLinear, LinearPlace } from '../../src/learn/kept/inspected.ts';
import type { ModelSource, NamedFile, OutputTarget } from './folders.ts';
import type { GpuFacts } from './gpu.ts';
import type {
  AllocationRequest,
  JobRecord,
  JobUpdate,
  KeptWork,
  MeasuredModule,
  PlannedAllocation,
} from './jobs.ts';
import type { ModelFacts } from './model.ts';
import type { JobOptions, JobPlan } from './options.ts';
import type { TextListener } from './texts.ts';

export interface CoordinatorApi {
  /** Throws UnsupportedError with what to do when there is no WebGPU or no adapter. */
  gpu(): Promise<GpuFacts>;
  /** The low-power GPU, where that is another one. */
  secondGpu(): Promise<GpuFacts | undefined>;
  /**
   * Throws InputError or UnsupportedError that says what is wrong with the folder. Another model's inspection takes its
   * place: it ends with an AbortError then.
   */
  inspect(source: ModelSource): Promise<ModelFacts>;
  plan(source: ModelSource, options: JobOptions): Promise<JobPlan>;
  /** Reads the user's calibration file as far as a job would. Throws InputError that says what is wrong with it. */
  checkCalibration(source: ModelSource, file: File, preset: JobOptions['preset']): Promise<void>;
  jobs(): Promise<JobRecord[]>;
  /**
   * Puts a job into the queue; its id comes back at once, the rest through `watch`. It begins when the jobs before it
   * on the same GPUs have ended, in whatever way; its folders must be permitted now, and are asked for again then.
   */
  start(source: ModelSource, output: OutputTarget, options: JobOptions): Promise<string>;
  /** Puts an interrupted, failed or cancelled job into the queue. `source` where the kept one is gone or not permitted. */
  resume(id: string, source?: ModelSource, output?: OutputTarget): Promise<void>;
  /** The handles that a job still needs permission for; the page asks, since workers can't. */
  handles(id: string): Promise<readonly { handle: FileSystemDirectoryHandle; mode: 'read' | 'readwrite' }[]>;
  pause(id: string): Promise<void>;
  unpause(id: string): Promise<void>;
  /** Stops the job or takes it out of the queue; what is finished stays and it can be resumed. */
  cancel(id: string): Promise<void>;
  /** Lets a waiting job change places with the one before it on one of its GPUs. */
  moveUp(id: string): Promise<void>;
  /** Removes a job and its work files; the output stays, unless it is in the browser's storage. */
  remove(id: string): Promise<void>;
  /** What a job has told so far, where its record says that it is kept. Throws InputError when it is not there. */
  recording(id: string): Promise<PackedRecording>;
  measurement(id: string): Promise<readonly MeasuredModule[]>;
  /** What is kept of a job that has not been finished. */
  kept(id: string): Promise<KeptWork>;
  /** measurement.json as ExLlamaV2 has it. */
  measurementJson(id: string): Promise<unknown>;
  /**
   * What is kept of a linear, of the bitrate's own run as far as that has come and else of the measurement: 300 kB at most.
   * `rounded`: of the folders too, as far as the browser permits them now. Throws InputError for a linear that the model
   * does not have.
   */
  inspectLinear(id: string, bits: number, place: LinearPlace, rounded: boolean): Promise<InspectedLinear>;
  /** How the text begins that a job measures with; undefined where it cannot be read now. */
  calibrationText(id: string): Promise<string | undefined>;
  /** The allocation for a target, at once; nothing is started. */
  allocate(id: string, request: AllocationRequest): Promise<PlannedAllocation>;
  /**
   * Puts a measured job into the queue, to be quantized by these choices one after the other. A bitrate that it has made already is made anew
   * when other modules are pinned, and else kept.
   */
  quantize(id: string, requests: readonly AllocationRequest[]): Promise<void>;
  /** Files of an output in the browser's storage. */
  outputFiles(id: string, bits: number): Promise<readonly NamedFile[]>;
  /**
   * Lets the original and then the output of `bits` continue a prompt; a text under way gives way. Resolves when both
   * have written or it was stopped; a model that cannot is told of through `listener`. Throws InputError while
   * conversions are under way or wait. The models stay on the GPU until `freeModels` or the next conversion.
   */
  write(id: string, bits: number, request: TextRequest, listener: TextListener): Promise<void>;
  /** Resolves when nothing is written any more. */
  stopWriting(): Promise<void>;
  freeModels(): Promise<void>;
  /** `listener` is a comlink proxy; called at most ten times a second for each job. */
  watch(listener: (update: JobUpdate) => void): Promise<void>;
}
