import { budgetBits, checkBudget, type SizedModule } from '../allocate/allocate.ts';
import type { RowShape } from '../calibrate/rows.ts';
import { gpuNeed } from '../estimate/gpu-need.ts';
import { fileBytesIn, memoryBeside } from '../estimate/memory-need.ts';
import { weightParts } from '../estimate/output-size.ts';
import { statePlaces, streamedBytes, type WorkerBudgets } from '../estimate/state-places.ts';
import { headParams } from '../exl2/candidates.ts';
import type { BitWidth } from '../exl2/params.ts';
import type { QuantizerMethod } from '../gptq/method.ts';
import type { ModelDirectory } from '../io/model/model-directory.ts';
import type { PlanEvent } from '../job/events.ts';
import type { QuantizerSettings } from '../job/settings.ts';
import type { Measurement } from '../measurement/measurement-json.ts';
import { candidateBits, candidatesOf } from '../measurement/module-candidates.ts';
import { linearWeights, moduleWeights } from '../model/sizes.ts';
import type { ModelPlan } from '../model/spec.ts';

/** What a conversion is asked to do, as far as its size depends on it. */
export interface PlanRequest {
  readonly bits: number;
  readonly headBits: BitWidth;
  readonly quantizer: QuantizerSettings;
  readonly measurement: RowShape;
  readonly quantization: RowShape;
  /** Made earlier, maybe of other candidates. */
  readonly measured?: Measurement | undefined;
  /** Of each worker. */
  readonly budgets?: WorkerBudgets;
  /** Missing: one. */
  readonly workers?: number;
}

const TOKEN_ID_BYTES = 8;
/** Measurement and strategy of a module, as JSON. */
const MODULE_JSON_BYTES = 64 * 2 ** 10;
/** What the original makes of the held-out text, at most: 16 rows of 512 tokens, f32. */
const REFERENCE_TOKENS = 16 * 512;
/** Report, model card and what config.json gains; a module's part of the report. */
const REPORT_BYTES = 16 * 2 ** 10;
const MODULE_REPORT_BYTES = 4 * 2 ** 10;

/** The choices with the sizes of their candidates: those that were measured, if they were. */
export const sizedModules = (
  { choices }: ModelPlan,
  method: QuantizerMethod,
  measured: Measurement | undefined,
): SizedModule[] =>
  choices.map((choice) => ({
    key: choice.key,
    weights: moduleWeights(choice),
    candidates:
      measured?.modules.get(choice.key) ??
      candidatesOf(choice, method).map((candidate) => ({ totalBits: candidateBits(choice, candidate) })),
  }));

/**
 * Throws InputError that names the possible range when no allocation is as small as `bits` per weight.
 * @param measured made earlier, maybe of other candidates.
 */
export function checkTarget(
  plan: ModelPlan,
  bits: number,
  method: QuantizerMethod,
  measured?: Measurement,
): void {
  const modules = sizedModules(plan, method, measured);
  checkBudget(modules, budgetBits(modules, bits));
}

/**
 * What a conversion will make and need, from headers alone.
 * @throws InputError when no allocation is as small as asked for.
 */
export function planConversion(source: ModelDirectory, plan: ModelPlan, request: PlanRequest): PlanEvent {
  const { bits, headBits, quantizer, measurement, quantization, measured, budgets, workers = 1 } = request;
  checkTarget(plan, bits, quantizer.method, measured);
  const modules = sizedModules(plan, quantizer.method, measured);
  const weights = sum(modules, (module) => module.weights);
  const least = sum(modules, ({ candidates }) => Math.min(...candidates.map(({ totalBits }) => totalBits)));
  const most = sum(modules, ({ candidates }) => Math.max(...candidates.map(({ totalBits }) => totalBits)));
  const usedBits = Math.min(most, budgetBits(modules, bits));
  const reportBytes = REPORT_BYTES + modules.length * MODULE_REPORT_BYTES;
  const outputParts = {
    ...weightParts(plan, headBits, usedBits),
    copied: sum(source.copiedFiles(), ({ size }) => size) + reportBytes,
  };
  const outputBytes = sum(Object.values(outputParts), (bytes) => bytes);
  const shapes = { measurement, quantization };
  const gpu = gpuNeed(plan, headParams(headBits), shapes, quantizer, fileBytesIn(source));
  const beside = memoryBeside(source, plan, quantizer.method, headBits);
  const states = statePlaces(plan, shapes, quantizer, budgets, beside);
  const rowBytes = sum([measurement, quantization], ({ rows, length }) => rows * length * TOKEN_ID_BYTES);
  const referenceBytes = REFERENCE_TOKENS * (plan.config.hiddenSize * 4 + TOKEN_ID_BYTES);
  const jobBytes = rowBytes + referenceBytes + modules.length * MODULE_JSON_BYTES;
  return {
    type: 'plan',
    modules: [
      ...modules.map(({ key, weights, candidates }) => ({
        key,
        weights,
        candidateBits: candidates.map(({ totalBits }) => totalBits),
      })),
      { key: plan.head.key, weights: linearWeights(plan.head), candidateBits: [outputParts.head * 8] },
    ],
    bitsPerWeight: bits,
    possibleBitsPerWeight: { least: least / weights, most: most / weights },
    outputBytes,
    outputParts,
    calibration: shapes,
    gpuBytes: gpu.bytes,
    gpuBufferBytes: gpu.largestBuffer,
    memoryBytes: beside + states.memoryBytes + (states.diskBytes > 0 ? streamedBytes(plan) : 0),
    states,
    diskBytes:
      outputBytes + Math.ceil(usedBits / 8) + outputParts.head + jobBytes + workers * states.diskBytes,
  };
}

const sum = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((total, item) => total + value(item), 0);
