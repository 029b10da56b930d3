/**
 * How much arithmetic a conversion is, in floating-point operations of matrix products (a multiplication and an
 * addition are two), so that a GPU's measured rates give a time. Each count follows the stage that it names.
 */

import { f32Speed, productSpeed, type Speeds } from '../autotune/measure-speeds.ts';
import type { RowShape } from '../calibrate/rows.ts';
import { distinctSettings } from '../exl2/candidates.ts';
import { finerSettings } from '../exl2/finer-settings.ts';
import type { QuantizerMethod } from '../gptq/method.ts';
import type { QuantizerSettings } from '../job/settings.ts';
import { candidatesOf } from '../measurement/module-candidates.ts';
import { countModule } from '../model/count.ts';
import { inputSizes, linearWeights, modulesBySize, tokenShare } from '../model/sizes.ts';
import { type LinearSpec, MODULE_INPUT, type ModelPlan, type ModuleSpec } from '../model/spec.ts';
import { sampleShape } from '../pass/linear-error.ts';

/** Operations on each weight by the scale search: 97 factors, about ten for each. */
const SCALE_SEARCH = 1000;
/** Attention does not run at the rate of the large products: about half of it. */
const ATTENTION_WEIGHT = 2;
/** Nor do factorizations, whose blocks follow from each other: a quarter of it on an H200. */
const FACTOR_WEIGHT = 4;

export interface WorkRequest {
  readonly quantizer: QuantizerSettings;
  readonly measurement: RowShape;
  readonly quantization: RowShape;
}

/** Operations, by what does them. */
export interface Work {
  /** Products of activations and sums of Hessians, which matrix units may do. */
  readonly mixed: number;
  /** All else, in f32. */
  readonly f32: number;
}

export const totalWork = ({ mixed, f32 }: Work): number => mixed + f32;

/** Operations of the fastest products that take as long on a GPU of these speeds. */
export function timeAsProducts({ mixed, f32 }: Work, speeds: Speeds | undefined): number {
  return mixed + f32 * (speeds ? productSpeed(speeds) / f32Speed(speeds) : 1);
}

export interface WorkEstimate {
  /** Done once. */
  readonly measure: Work;
  /** Done for every bitrate. */
  readonly quantize: Work;
}

export function estimateWork(
  plan: ModelPlan,
  { quantizer, measurement, quantization }: WorkRequest,
): WorkEstimate {
  const { method, descentPasses } = quantizer;
  const original = { rows: Math.min(measurement.rows, quantization.rows), length: quantization.length };
  const modules = modulesBySize(plan);
  const all = (work: (module: ModuleSpec) => Work): Work =>
    total(modules.map(({ module, count }) => times(count, work(module))));
  return {
    measure: all((module) => measuring(module, measurement, method)),
    quantize: total([
      all((module) => quantizing(module, quantization, original, descentPasses)),
      quantizingHead(plan.head, quantization, original, descentPasses),
    ]),
  };
}

const mixed = (operations: number): Work => ({ mixed: operations, f32: 0 });
const f32 = (operations: number): Work => ({ mixed: 0, f32: operations });
const times = (count: number, work: Work): Work => ({ mixed: count * work.mixed, f32: count * work.f32 });

const total = (works: readonly Work[]): Work => ({
  mixed: works.reduce((sum, work) => sum + work.mixed, 0),
  f32: works.reduce((sum, work) => sum + work.f32, 0),
});

const tokens = ({ rows, length }: RowShape): number => rows * length;

const projecting = (module: ModuleSpec, linear: LinearSpec, shape: RowShape): number =>
  2 * tokens(shape) * tokenShare(module) * linearWeights(linear);

const count = (module: ModuleSpec, shape: RowShape) => countModule(module, tokens(shape), shape.length);

const attending = (module: ModuleSpec, shape: RowShape): Work =>
  f32(count(module, shape).scores * ATTENTION_WEIGHT);

/** run-rows.ts: a module as it is. */
export const running = (module: ModuleSpec, shape: RowShape): Work =>
  total([mixed(count(module, shape).products), attending(module, shape)]);

/** factor.ts: Cholesky factor and its inverse. */
const factoring = (k: number): number => FACTOR_WEIGHT * (2 / 3) * k ** 3;

/** sum-row-parts.ts: one triangle of xᵀx of each distinct input; of experts, of the tokens that each gets. */
const summing = (module: ModuleSpec, shape: RowShape): number =>
  [...inputSizes(module)].reduce((sum, [input, k]) => {
    const share = input === MODULE_INPUT ? 1 : tokenShare(module);
    return sum + tokens(shape) * share * k ** 2;
  }, 0);

/** Sums and factors of all distinct inputs. */
const learning = (module: ModuleSpec, shape: RowShape): Work => ({
  mixed: summing(module, shape),
  f32: [...inputSizes(module).values()].reduce((sum, k) => sum + factoring(k), 0),
});

/** quantizer.ts: each group's errors go on to all rows after it. */
const sweeping = ({ k, n }: LinearSpec): number => k * n * (k + SCALE_SEARCH);

/** descent.ts: a product with the Hessian in each pass. */
const descending = ({ k, n }: LinearSpec, passes: number): number => 2 * passes * k ** 2 * n;

/** measure-module.ts: what comes before a module's first candidate. */
export const preparing = (module: ModuleSpec, shape: RowShape): Work =>
  total([running(module, shape), learning(module, shape)]);

/** measure-module.ts, trials.ts: linears that read the module's input are projected once for each version. */
export function measuring(module: ModuleSpec, shape: RowShape, method: QuantizerMethod): Work {
  const candidates = candidatesOf(module, method);
  const { first } = count(module, shape);
  const trials = module.linears.map((linear): Work => {
    const { settings } = distinctSettings(candidates, linear.paramsName, linear.k);
    const finer = method === 'refined' ? finerSettings(linear.k, settings).length : 0;
    const projections = first.has(linear) ? settings.length : candidates.length;
    return {
      mixed: projections * projecting(module, linear, shape),
      f32: (settings.length + finer) * sweeping(linear),
    };
  });
  return total([preparing(module, shape), ...trials, times(candidates.length, attending(module, shape))]);
}

/** rows-pass.ts: both times that the rows of a pass run through all modules, and their sums. */
export const passingRows = (plan: ModelPlan, shape: RowShape): number =>
  modulesBySize(plan).reduce((sum, { module, count }) => {
    return sum + count * (2 * totalWork(running(module, shape)) + summing(module, shape));
  }, 0);

/** quantize-linear.ts */
export const quantizingLinear = (linear: LinearSpec, passes: number): number =>
  sweeping(linear) + descending(linear, passes);

/**
 * quantize-module.ts: the module as it is, then as it has become; the original model on the first rows; and each
 * linear before and after on its sample.
 */
const quantizing = (module: ModuleSpec, shape: RowShape, original: RowShape, passes: number): Work =>
  total([
    times(2, running(module, shape)),
    running(module, original),
    learning(module, shape),
    ...module.linears.map(
      (linear): Work => ({
        mixed: 2 * projecting(module, linear, sampleShape(original)),
        f32: quantizingLinear(linear, passes),
      }),
    ),
  ]);

/** quantize-head.ts: perplexity of both models. */
const quantizingHead = (head: LinearSpec, shape: RowShape, original: RowShape, passes: number): Work =>
  total([
    { mixed: tokens(shape) * head.k ** 2, f32: factoring(head.k) },
    mixed(4 * tokens(original) * linearWeights(head)),
    f32(quantizingLinear(head, passes)),
  ]);
