/**
 * The least GPU memory that a conversion gets by with, counted from what its stages allocate when one calibration
 * row and one candidate are on the GPU at a time. Each function follows the allocations of the file it names.
 */

import type { RowShape } from '../calibrate/rows.ts';
import { type Candidate, distinctSettings } from '../exl2/candidates.ts';
import { finerSettings } from '../exl2/finer-settings.ts';
import { resolveGroups } from '../exl2/groups.ts';
import { padColumns } from '../exl2/packed-linear.ts';
import { type QuantParams, ROW_MULTIPLE } from '../exl2/params.ts';
import type { QuantizerMethod } from '../gptq/method.ts';
import { candidateBytes, factorColumnsBytes } from '../gptq/quantizer.ts';
import { triangleBytes } from '../gpu/matrix/panels.ts';
import { bufferBytes } from '../gpu/memory.ts';
import type { QuantizerSettings } from '../job/settings.ts';
import { rowSquareBytes } from '../kernels/row_sums/sum_squares.ts';
import { rowErrorBytes } from '../kernels/row_sums/token_errors.ts';
import { type CandidateRange, candidatesOf, inTrialOrder } from '../measurement/module-candidates.ts';
import { normsOf } from '../model/plan.ts';
import { inputSizes, modulesBySize } from '../model/sizes.ts';
import type { LinearSpec, ModelPlan, ModuleSpec } from '../model/spec.ts';
import { blockBytes, trialBytes } from '../pass/activations.ts';
import { sampleShape } from '../pass/linear-error.ts';
import { largestBufferOfRows } from './check-buffers.ts';
import { slicedHeadNeed, wholeHeadNeed } from './head-need.ts';
import { buffer, factoring, matricesOf, most, packing, total, totals } from './linear-need.ts';

const matrix = ({ k, n }: LinearSpec): number => buffer(k, padColumns(n));

const bias = (linear: LinearSpec): number => (linear.bias === undefined ? 0 : buffer(padColumns(linear.n)));

const weight = (linear: LinearSpec): number => matrix(linear) + bias(linear);

/** Side of each Hessian of a module, or of some of its linears. */
const hessianSizes = (module: Pick<ModuleSpec, 'linears'>): number[] => [...inputSizes(module).values()];

/** measure-module.ts, with these candidates */
function measuring(
  plan: ModelPlan,
  module: ModuleSpec,
  t: number,
  method: QuantizerMethod,
  candidates: readonly Candidate[],
): number {
  const linears = inTrialOrder(module.linears);
  const sizes = hessianSizes(module);
  const factors = total(sizes, triangleBytes);
  const [block, trial] = [blockBytes(module, t), trialBytes(module, t)];
  const versions = linears.map(({ paramsName, k, n }) => {
    const { settings } = distinctSettings(candidates, paramsName, k);
    const bytes = (params: QuantParams) => candidateBytes(k, padColumns(n), resolveGroups(k, params).length);
    const each = settings.map(bytes);
    // Of the finer settings, whose loss alone is wanted, one after the other.
    const finest = candidateBytes(k, padColumns(n), k / ROW_MULTIPLE);
    return {
      kept: total(each, ({ kept }) => kept),
      meanwhile: Math.max(
        method === 'refined' ? finest.kept + finest.meanwhile : 0,
        most(each, ({ meanwhile }) => meanwhile),
      ),
    };
  });
  const biases = total(linears, bias);
  const quantizingAll = most([...linears.keys()], (i) => {
    const kept = total(versions.slice(0, i + 1), (version) => version.kept);
    const rest = linears.slice(i);
    const needed = total(hessianSizes({ linears: rest }), triangleBytes);
    return (
      needed +
      biases +
      total(rest, matrix) +
      kept +
      versions[i]!.meanwhile +
      factorColumnsBytes(linears[i]!.k)
    );
  });
  const sums = finiteSums(t * plan.config.hiddenSize);
  const errors = candidates.length * rowErrorBytes(t);
  const trying = total(versions, ({ kept }) => kept) + trial + biases + most(linears, matrix) + errors;
  return Math.max(
    total(linears, weight) + Math.max(factors + block + sums, factoring(sizes, 1)),
    quantizingAll,
    trying,
  );
}

/** finite-states.ts, for one row of `count` elements. */
const finiteSums = (count: number): number => bufferBytes(rowSquareBytes(count));

/**
 * quantize-module.ts and quantize-linears.ts with the parameters that take most, linear-error.ts
 * @param first shape of the rows that errors are taken on.
 */
function quantizingModule(
  plan: ModelPlan,
  module: ModuleSpec,
  first: RowShape,
  quantizer: QuantizerSettings,
): number {
  const t = first.length;
  const each = matricesOf(quantizer);
  const sample = sampleShape(first);
  const sampled = sample.rows * sample.length;
  const { linears } = module;
  const sizes = hessianSizes(module);
  const factors = total(sizes, triangleBytes);
  const block = blockBytes(module, t);
  const sums = finiteSums(t * plan.config.hiddenSize);
  const packed = most(linears, ({ paramsName, k, n }) => {
    const columns = padColumns(n);
    const projection = buffer(sampled, columns);
    const candidates = candidatesOf(module, quantizer.method).map((candidate) => candidate[paramsName]!);
    const settings = quantizer.method === 'refined' ? finerSettings(k, candidates) : [];
    const bytes = [...candidates, ...settings].map((params) => packing(k, [columns], params));
    return projection + Math.max(projection + rowErrorBytes(sampled), ...bytes);
  });
  const phases = [
    factors + totals(sizes) + block,
    factoring(sizes, each),
    each * factors + packed,
    block + rowErrorBytes(t) + sums,
  ];
  const inputs = total(sizes, (k) => buffer(sampled, k));
  return total(linears, weight) + inputs + Math.max(...phases);
}

/** Norms of a module, and the rotations that all modules share, for rows of this length. */
function constants({ modules }: ModelPlan, { length }: RowShape): number {
  const rotations = new Set(
    modules.flatMap(({ mixer }) => (mixer.kind === 'attention' && mixer.rope ? [mixer.rope] : [])),
  );
  const routers = most(modules, ({ mixer }) => (mixer.kind === 'experts' ? weight(mixer.router.linear) : 0));
  return (
    total([...rotations], ({ rotated }) => 2 * buffer(length, rotated / 2)) +
    routers +
    most(modules, (module) =>
      total(normsOf(module), ({ size, heads = 1, kind }) => buffer(heads * size) * (kind === 'rms' ? 1 : 2)),
    )
  );
}

/** For measuring these candidates of a module together on rows of this shape, without the states. */
export const measuringPartNeed = (
  plan: ModelPlan,
  module: ModuleSpec,
  shape: RowShape,
  { method }: QuantizerSettings,
  { from, to }: CandidateRange,
): number =>
  constants(plan, shape) +
  measuring(plan, module, shape.length, method, candidatesOf(module, method).slice(from, to));

/** For measuring modules on rows of this shape, all candidates of each together, without the states. */
export const measuringNeed = (plan: ModelPlan, shape: RowShape, quantizer: QuantizerSettings): number =>
  most(modulesBySize(plan), ({ module }) => {
    const to = candidatesOf(module, quantizer.method).length;
    return measuringPartNeed(plan, module, shape, quantizer, { from: 0, to });
  });

/** The same, with one candidate after the other. */
const leastMeasuringNeed = (plan: ModelPlan, shape: RowShape, { method }: QuantizerSettings): number =>
  constants(plan, shape) +
  most(modulesBySize(plan), ({ module }) =>
    most(candidatesOf(module, method), (candidate) =>
      measuring(plan, module, shape.length, method, [candidate]),
    ),
  );

/** For quantizing modules, without the states. @param first shape of the rows that errors are taken on. */
export const quantizingNeed = (plan: ModelPlan, first: RowShape, quantizer: QuantizerSettings): number =>
  constants(plan, first) +
  most(modulesBySize(plan), ({ module }) => quantizingModule(plan, module, first, quantizer));

export interface GpuNeed {
  /** The least budget in bytes. */
  readonly bytes: number;
  /** Bytes of the largest buffer that cannot be cut. */
  readonly largestBuffer: number;
}

/**
 * @param shapes of the calibration rows of each pass.
 * @param fileBytes of a linear's weight in the source.
 */
export function gpuNeed(
  plan: ModelPlan,
  headParams: QuantParams,
  shapes: { readonly measurement: RowShape; readonly quantization: RowShape },
  quantizer: QuantizerSettings,
  fileBytes: (linear: LinearSpec) => number,
): GpuNeed {
  const { modules, head } = plan;
  const loading = (linears: readonly LinearSpec[]) =>
    total(linears, weight) + most(linears, (linear) => buffer(fileBytes(linear) / 4));
  const { measurement, quantization } = shapes;
  const first = { rows: Math.min(measurement.rows, quantization.rows), length: quantization.length };
  const longest = most([measurement, quantization], (shape) => constants(plan, shape));
  const phases = [
    longest + most(modules, ({ linears }) => loading(linears)),
    leastMeasuringNeed(plan, measurement, quantizer),
    quantizingNeed(plan, first, quantizer),
    longest +
      Math.min(
        wholeHeadNeed(plan, quantization.length, quantizer),
        slicedHeadNeed(plan, quantization.length, headParams, quantizer, fileBytes(head)),
      ),
  ];
  return {
    bytes: Math.max(...phases),
    largestBuffer: largestBufferOfRows(plan, Math.max(measurement.length, quantization.length)),
  };
}
