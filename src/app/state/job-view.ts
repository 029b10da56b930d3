/** What the page knows of a job: its record, and what its events add up to. */

import type { JobRecord } from '../../../workers/api/jobs.ts';
import type { ModuleFacts } from '../../../workers/api/model.ts';
import type {
  AllocationEvent,
  MemoryEvent,
  ModuleEvent,
  PerplexityEvent,
  ProgressEvent,
  TrialEvent,
  WorkerStatus,
} from '../../job/events.ts';
import { STAGES, type StageName } from '../../job/stages.ts';
import { moduleOf } from '../module-words.ts';

export type StageState = 'waiting' | 'started' | 'done' | 'reused';

export type Trial = Pick<TrialEvent, 'candidate' | 'error' | 'bitsPerWeight' | 'description'>;

export type Choice = AllocationEvent['modules'][number];

/** One attention or MLP block. Objects of modules that did not change stay the same. */
export interface ModuleView {
  readonly trials: readonly Trial[];
  readonly measured: boolean;
  /** Before the allocation: the candidate that it would get among the modules measured so far. */
  readonly expected?: number;
  /** From the allocation. */
  readonly choice?: Choice;
  /** Bits per weight of the linears that are quantized, by name. */
  readonly linears: Readonly<Record<string, number>>;
  /** Relative error of the own output of the linears that are quantized, by name; of experts the root mean square. */
  readonly linearErrors: Readonly<Record<string, number>>;
  /** Each expert's so far, by name and the expert's number; 0 of what has none. */
  readonly expertErrors?: ExpertErrors;
  /** Calibration tokens of each expert, in their order; of the parts that are quantized. */
  readonly expertTokens?: readonly number[];
  /** Once all parts are quantized. */
  readonly rfnError?: number;
  /** What was told of the parts that are quantized, or of the whole, by key. */
  readonly parts?: Readonly<Record<string, QuantizedPart>>;
}

export type QuantizedPart = Required<Pick<ModuleEvent, 'rfnError' | 'expertTokens'>>;

export type ExpertErrors = Readonly<Record<string, Readonly<Record<number, number>>>>;

/** The root mean square over experts of each name's errors. */
export const meanErrors = (errors: ExpertErrors): Record<string, number> =>
  Object.fromEntries(
    Object.entries(errors).map(([name, byExpert]) => {
      const values = Object.values(byExpert);
      return [name, Math.hypot(...values) / Math.sqrt(values.length)];
    }),
  );

export const EMPTY_MODULE: ModuleView = { trials: [], measured: false, linears: {}, linearErrors: {} };

export interface LogLine {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly warning: boolean;
}

export interface JobView {
  readonly record: JobRecord;
  /** The bitrate under work. */
  readonly bits: number;
  readonly stages: Readonly<Record<StageName, StageState>>;
  readonly progress?: ProgressEvent;
  readonly modules: ReadonlyMap<string, ModuleView>;
  /** Bits per weight of the head once it is quantized. */
  readonly head?: number;
  readonly memory?: MemoryEvent;
  /** Those that share the work; empty where it is not shared. */
  readonly workers: readonly WorkerStatus[];
  readonly perplexity: Readonly<Partial<Record<PerplexityEvent['model'], number>>>;
  /** Bytes a second read and written, calibration tokens a second. */
  readonly rates?: { readonly read: number; readonly written: number; readonly tokens: number };
  /** The last module that was measured or quantized. */
  readonly latest?: string;
  readonly log: readonly LogLine[];
}

const WAITING = Object.fromEntries(STAGES.map((stage) => [stage, 'waiting'])) as JobView['stages'];

/** A job without events: new, or of an earlier visit. */
export const viewOf = (record: JobRecord): JobView => ({
  record,
  bits: record.targets[0]?.bits ?? record.options.bits[0] ?? 4,
  stages: WAITING,
  modules: new Map(),
  workers: [],
  perplexity: {},
  log: [],
});

/** The view when the next bitrate begins: what was measured stays. */
export function forBitrate(view: JobView, bits: number): JobView {
  const { head: _, progress: __, latest: ___, ...kept } = view;
  const modules = [...view.modules].map(([key, { trials, measured }]): [string, ModuleView] => [
    key,
    { ...EMPTY_MODULE, trials, measured },
  ]);
  return { ...kept, bits, stages: WAITING, modules: new Map(modules), perplexity: {} };
}

export const currentStage = ({ stages }: JobView): StageName | undefined =>
  STAGES.find((stage) => stages[stage] === 'started');

/** The module that progress names, by its own key or that of a part. */
export const moduleUnderWork = ({ record, progress }: JobView): ModuleFacts | undefined =>
  record.state === 'running' || record.state === 'paused'
    ? moduleOf(record.model, progress?.detail ?? '')
    : undefined;

/** The trial that a module takes: as allocated, else what it would get now. Undefined before it is measured. */
export function trialNow({ trials, choice, expected }: ModuleView): Trial | undefined {
  if (!choice) return trials.find((trial) => trial?.candidate === expected);
  const { candidate, error, bitsPerWeight, description } = choice;
  return { candidate, bitsPerWeight, error, description };
}
