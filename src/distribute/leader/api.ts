/**
 * What a job's leader and its other workers say to each other. The leader runs the job, with a GPU of its own; the others, in
 * processes or Web Workers of their own, each with a GPU of its own, do what they are asked for. Everything is
 * structured-cloneable.
 */

import type { Speeds } from '../../autotune/measure-speeds.ts';
import type { CalibrationRows } from '../../calibrate/rows.ts';
import type { QuantParams } from '../../exl2/params.ts';
import type { ConvertSettings } from '../../job/settings.ts';
import type { MeasuredPart } from '../../measurement/measured-part.ts';
import type { CandidateRange } from '../../measurement/module-candidates.ts';
import type { InputKey } from '../../model/spec.ts';
import type { Perplexity } from '../../pass/perplexity.ts';
import type { SumPiece } from '../../pass/sums/hessian-sums.ts';
import type { RowPart } from '../../pass/sums/row-parts.ts';
import type { HostTensor } from '../../tensor/dtype.ts';

/** What another worker needs to know of a job; model and work directory are its host's part. */
export interface WorkerJob {
  /** What the leader measured on its GPU: adapters of that name make the same choices, and so the same results. */
  readonly measured?: { readonly adapter: string; readonly speeds: Speeds };
  readonly settings: Pick<ConvertSettings, 'quantizer' | 'precision' | 'ropeScale' | 'ropeAlpha'>;
  readonly measurement: CalibrationRows;
  /** Missing where the job only measures. */
  readonly quantization?: CalibrationRows;
  /** Bytes that the worker's states may take in main memory; missing: without limit. */
  readonly stateRoom?: number;
}

export interface WorkerFacts {
  readonly adapter: string;
  /** Of the products that do most of the work. */
  readonly flopsPerSecond: number;
}

export interface WorkerProgress {
  /** Of the task under way that is done, 0…1. */
  readonly share: number;
  /** GPU memory in use. */
  readonly memoryBytes: number;
  /** Messages of what was adjusted since the last time; see AdjustmentEvent. */
  readonly adjusted: readonly string[];
}

export interface WorkerApi {
  /**
   * Opens the job; before anything else.
   * @param first number of the module that it will likely measure first, if any: it goes there at once.
   */
  open(job: WorkerJob, first?: number): Promise<WorkerFacts>;
  status(): WorkerProgress;
  /** Measures candidates of the module of this number. */
  measure(index: number, range: CandidateRange): Promise<MeasuredPart>;
  /**
   * Begins a quantization pass, with these parts of its rows or none; the measurement's memory is free then.
   * @param originalRows of the first rows it runs the original model on so many: 0 where another one does it.
   */
  beginPass(parts: readonly RowPart[], originalRows: number): Promise<void>;
  /**
   * Σ xᵀx over each half that it has parts of, for these inputs of the module of this number, or of the head after them.
   * @returns what can be read until it is asked for anything else.
   */
  sumRows(index: number, inputs: readonly InputKey[], mixed: boolean): Promise<readonly SumPiece[]>;
  /**
   * Pieces may be asked for while others are on their way.
   * @returns the piece's bytes; they may be written over when so many more are asked for as {@link PIECES_UNDER_WAY}.
   */
  readSum(piece: SumPiece): Promise<Uint8Array<ArrayBuffer>>;
  /** Runs the original model's rows through the module of this number, before any of its linears is quantized. */
  runOriginal(index: number, mixed: boolean): Promise<void>;
  /** The original model's, after all modules. */
  originalPerplexity(mixed: boolean): Promise<Perplexity>;
  /** Takes the sum of all rows for an input of a module's linears, to quantize them with. @param rows in it. */
  takeSum(index: number, input: InputKey, sum: Uint8Array<ArrayBuffer>, rows: number): Promise<void>;
  /** Quantizes a linear of the module whose sums it has taken. @returns its packed tensors. */
  quantizeLinear(index: number, name: string, params: QuantParams): Promise<readonly HostTensor[]>;
  /** Takes a linear that another one has quantized of the module whose sums it has made. */
  takeLinear(index: number, name: string, tensors: readonly HostTensor[]): Promise<void>;
  /** Advances its rows through a module. Linears that it has neither made nor taken are in the work directory. */
  advanceRows(index: number, mixed: boolean): Promise<void>;
}

/** Of a worker's sums: one is read back, one written, one read and one added. */
export const PIECES_UNDER_WAY = 4;

/** A worker in another process or Web Worker. */
export type RemoteWorkerApi = {
  [K in keyof WorkerApi]: (...args: Parameters<WorkerApi[K]>) => Promise<Awaited<ReturnType<WorkerApi[K]>>>;
};

/** A worker as its host hands it to the leader. */
export interface WorkerLink {
  /** For messages, e.g. `worker 2 (card 1)`. */
  readonly name: string;
  readonly api: RemoteWorkerApi;
  /** Rejects when the worker has ended without being asked to; calls under way would wait forever. */
  readonly ended: Promise<never>;
  /** Takes back large data of an answer, which is used up: where that is read into memory, for the next. */
  release?(data: Uint8Array<ArrayBuffer>): void;
}
