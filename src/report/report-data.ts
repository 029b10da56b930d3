import type { Strategy } from '../allocate/optimize.ts';
import type { CalibrationRows, WholeRows } from '../calibrate/rows.ts';
import type { Metrics } from '../evaluate/metrics.ts';
import { totalBits } from '../exl2/groups.ts';
import { describe } from '../exl2/params.ts';
import type { PerplexityEvent, StartEvent } from '../job/events.ts';
import type { ConvertSettings } from '../job/settings.ts';
import type { StageName } from '../job/stages.ts';
import type { ChoiceSpec, MixerSpec, ModelPlan } from '../model/spec.ts';
import { assert } from '../util/errors.ts';
import type { Recorder } from './recorder.ts';

/** All that a report or a model card says, in one value. */
export interface ReportData {
  readonly start: StartEvent;
  readonly settings: ConvertSettings;
  /** Reached, of the attention and MLP modules. */
  readonly bitsPerWeight: number;
  readonly outputBytes: number;
  readonly calibration: { readonly measurement: RowFacts; readonly quantization: RowFacts };
  readonly modules: readonly ModuleReport[];
  readonly perplexity: ReadonlyMap<PerplexityEvent['model'], PerplexityEvent>;
  readonly metrics: Metrics | undefined;
  readonly stages: ReadonlyMap<StageName, number | 'reused'>;
  readonly gpuPeakBytes: number | undefined;
  readonly warnings: readonly string[];
  /** When the report was written. */
  readonly date: Date;
}

export interface RowFacts {
  readonly rows: number;
  readonly length: number;
  /** Where the rows are from, and how many of each. */
  readonly sources: readonly (readonly [name: string, rows: number])[];
}

export interface ModuleReport {
  readonly key: string;
  readonly layer: number;
  readonly kind: MixerSpec['kind'];
  /** Calibration tokens of each of its experts. */
  readonly expertTokens: readonly number[];
  readonly bitsPerWeight: number;
  /** Measured, of the chosen candidate. */
  readonly expectedError: number;
  /** After quantizing, with the inputs that the quantized modules before give. */
  readonly rfnError: number | undefined;
  readonly linears: readonly {
    readonly name: string;
    readonly bitsPerWeight: number;
    /** Of its own output, on a sample of its inputs. */
    readonly error: number | undefined;
    /** As in ExLlamaV2's log. */
    readonly params: string;
  }[];
}

export interface ReportSources {
  readonly plan: ModelPlan;
  readonly settings: ConvertSettings;
  readonly rows: WholeRows;
  readonly strategy: Strategy;
  readonly rfnErrors: Readonly<Record<string, number>>;
  readonly linearErrors: Readonly<Record<string, number>>;
  readonly expertTokens: Readonly<Record<string, readonly number[]>>;
  readonly outputBytes: number;
  readonly recorder: Recorder;
}

export function reportData(sources: ReportSources): ReportData {
  const { plan, settings, rows, strategy, outputBytes, recorder } = sources;
  assert(recorder.start, 'a conversion ended that had not started');
  return {
    start: recorder.start,
    settings,
    bitsPerWeight: strategy.event.bitsPerWeight,
    outputBytes,
    calibration: { measurement: rowFacts(rows.measurement), quantization: rowFacts(rows.quantization) },
    modules: plan.choices.map((choice) => moduleReport(choice, sources)),
    perplexity: recorder.perplexity,
    metrics: recorder.evaluation?.measures,
    stages: recorder.stages,
    gpuPeakBytes: recorder.memory?.gpuPeakBytes,
    warnings: recorder.warnings,
    date: new Date(),
  };
}

function moduleReport(
  { key, layer, index, modules, linears }: ChoiceSpec,
  { strategy, rfnErrors, linearErrors, expertTokens }: ReportSources,
): ModuleReport {
  const { bitsPerWeight, error } = strategy.event.modules[index]!;
  const params = strategy.params.get(key)!;
  // Experts are alike but for their errors, of which there is the mean.
  const byName = new Map(linears.map((linear) => [linear.paramsName, linear]));
  return {
    ...{ key, layer, kind: modules[0]!.mixer.kind, bitsPerWeight, expectedError: error },
    rfnError: rfnErrors[key],
    expertTokens: expertTokens[key] ?? [],
    linears: [...byName].map(([name, { k, n, bias }]) => ({
      name,
      bitsPerWeight: totalBits(k, n, params[name]!, bias !== undefined) / (k * n),
      error: linearErrors[`${key}.${name}`],
      params: describe(params[name]!),
    })),
  };
}

function rowFacts({ rows, length, sources }: CalibrationRows): RowFacts {
  const counts = new Map<string, number>();
  for (const source of sources) counts.set(source, (counts.get(source) ?? 0) + 1);
  return { rows, length, sources: [...counts] };
}
