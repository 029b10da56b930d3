/**
 * The least GPU memory that a conversion gets by with, counted from what its stages allocate when one calibration
 * row and one candidate are on the GPU at a time. Each function follows the allocations of the file it names.
 */

import type { RowShape } from '../calibrate/rows.ts';
import { logitRows } from '../evaluate/compare-row.ts';
import { distinctSettings } from '../exl2/candidates.ts';
import { finerSettings } from '../exl2/finer-settings.ts';
import { packedRowCount, resolveGroups } from '../exl2/groups.ts';
import { padColumns } from '../exl2/packed-linear.ts';
import type { QuantParams } from '../exl2/params.ts';
import { DESCENT_ROWS } from '../gptq/descent.ts';
import { invertingBytes } from '../gptq/invert-triangle.ts';
import type { QuantizerMethod } from '../gptq/method.ts';
import { candidateBytes, factorColumnsBytes } from '../gptq/quantizer.ts';
import { triangleBytes } from '../gpu/matrix/panels.ts';
import { bufferBytes } from '../gpu/memory.ts';
import type { QuantizerSettings } from '../job/settings.ts';
import { splitOf } from '../kernels/gemm/gemm_split_k.ts';
import { COMPARED } from '../kernels/logits/compare_logits.ts';
import { rowSquareBytes } from '../kernels/row_sums/sum_squares.ts';
import { rowErrorBytes } from '../kernels/row_sums/token_errors.ts';
import { candidatesOf, inTrialOrder } from '../measurement/module-candidates.ts';
import { headSlices as vocabularySlices } from '../model/gpu/weights.ts';
import { normsOf } from '../model/plan.ts';
import { inputSizes, modulesBySize } from '../model/sizes.ts';
import type { LinearSpec, ModelPlan, ModuleSpec } from '../model/spec.ts';
import { blockBytes, trialBytes } from '../pass/activations.ts';
import { sampleShape } from '../pass/linear-error.ts';
import { PIECE_BYTES } from '../pass/sums/hessian-sums.ts';
import { largestBufferOfRows } from './check-buffers.ts';

/** Bytes of a buffer of 4-byte elements. */
const buffer = (...shape: number[]): number => bufferBytes(shape.reduce((a, b) => a * b, 4));

const total = <T>(items: readonly T[], bytes: (item: T) => number): number =>
  items.reduce((sum, item) => sum + bytes(item), 0);

const most = <T>(items: readonly T[], bytes: (item: T) => number): number => Math.max(...items.map(bytes));

const weight = ({ k, n, bias }: LinearSpec): number =>
  buffer(k, padColumns(n)) + (bias === undefined ? 0 : buffer(padColumns(n)));

/**
 * quantize-module.ts: one linear beyond its weight, until its rebuilt weight stands in for that.
 * @param slices columns of each slice of the weight.
 */
function packing(k: number, slices: readonly number[], params: QuantParams): number {
  const groups = resolveGroups(k, params);
  const words = packedRowCount(groups);
  const each = slices.map((n) => ({ n, ...candidateBytes(k, n, groups.length) }));
  const checking = most(each, ({ n, kept }) => kept + buffer(k, n) + buffer(1));
  const packed = most(slices, (n) => buffer(words, n) + buffer(4, words));
  const computing = total(each, ({ meanwhile }) => meanwhile) + factorColumnsBytes(k);
  const descending = most(slices, (n) => {
    const { parts } = splitOf(DESCENT_ROWS, n, k);
    return (
      buffer(DESCENT_ROWS, k) +
      buffer(k, n) +
      buffer(DESCENT_ROWS, n) +
      (parts > 1 ? buffer(parts * DESCENT_ROWS, n) : 0)
    );
  });
  return total(each, ({ kept }) => kept) + Math.max(computing, descending, packed, checking);
}

/** Side of each Hessian of a module, or of some of its linears. */
const hessianSizes = (module: Pick<ModuleSpec, 'linears'>): number[] => [...inputSizes(module).values()];

/**
 * factor.ts: Hessians from number `i` on are still there, and the factors up to it, each with its Hessian where that is
 * kept; a step of the inverse holds a quarter of a square.
 */
const factoring = (sizes: readonly number[], each: number): number =>
  most([...sizes.keys()], (i) => {
    const k = sizes[i]!;
    const kept = total(sizes.slice(0, i), (size) => each * triangleBytes(size));
    return (
      kept +
      total(sizes.slice(i), triangleBytes) +
      triangleBytes(k) +
      Math.max(invertingBytes(k), buffer(k, 32)) +
      2 * buffer(k)
    );
  });

/** measure-module.ts */
function measuring(plan: ModelPlan, module: ModuleSpec, t: number, method: QuantizerMethod): number {
  const linears = inTrialOrder(module.linears);
  const candidates = candidatesOf(module, method);
  const sizes = hessianSizes(module);
  const factors = total(sizes, triangleBytes);
  const [block, trial] = [blockBytes(module, t), trialBytes(module, t)];
  const versions = linears.map(({ paramsName, k, n }) => {
    const { settings } = distinctSettings(candidates, paramsName, k);
    const bytes = (params: QuantParams) => candidateBytes(k, padColumns(n), resolveGroups(k, params).length);
    const each = settings.map(bytes);
    const finer = method === 'refined' ? finerSettings(k, settings).map(bytes) : [];
    const finest = Math.max(0, ...finer.map(({ kept, meanwhile }) => kept + meanwhile));
    return {
      kept: total(each, ({ kept }) => kept),
      meanwhile: Math.max(
        finest,
        most(each, ({ meanwhile }) => meanwhile),
      ),
    };
  });
  const quantizingAll = most([...linears.keys()], (i) => {
    const kept = total(versions.slice(0, i + 1), (version) => version.kept);
    const rest = linears.slice(i);
    const needed = total(hessianSizes({ linears: rest }), triangleBytes);
    return needed + total(rest, weight) + kept + versions[i]!.meanwhile + factorColumnsBytes(linears[i]!.k);
  });
  const sums = finiteSums(t * plan.config.hiddenSize);
  const errors = candidates.length * rowErrorBytes(t);
  const trying = total(versions, ({ kept }) => kept) + trial + most(linears, weight) + errors;
  return Math.max(
    total(linears, weight) + Math.max(factors + block + sums, factoring(sizes, 1)),
    quantizingAll,
    trying,
  );
}

/** finite-states.ts, for one row of `count` elements. */
const finiteSums = (count: number): number => bufferBytes(rowSquareBytes(count));

/** hessian-sums.ts: the totals of both halves beside the sums of a part, and a piece of another worker's. */
const totals = (sizes: readonly number[]): number =>
  2 * total(sizes, triangleBytes) + most(sizes, (k) => Math.min(bufferBytes(PIECE_BYTES), triangleBytes(k)));

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

/** Columns of each slice of the head, as weights.ts cuts it. */
const headSlices = (head: LinearSpec): number[] =>
  vocabularySlices(head).map(({ start, end }) => padColumns(end - start));

/** factor.ts: the factor, and the Hessian where codes are descended. */
const matricesOf = ({ descentPasses }: QuantizerSettings): number => (descentPasses > 0 ? 2 : 1);

/** quantize-head.ts, perplexity.ts */
function quantizingHead(
  { head, config }: ModelPlan,
  t: number,
  params: QuantParams,
  quantizer: QuantizerSettings,
): number {
  const { k } = head;
  const slices = headSlices(head);
  const states = 2 * buffer(t, config.hiddenSize);
  const widest = Math.max(...slices);
  const tokens = Math.min(t, logitRows(widest));
  const logits = buffer(tokens, widest) + buffer(tokens, COMPARED) + buffer(tokens);
  const hessian = triangleBytes(k);
  const phases = [
    hessian + totals([k]) + states + logits,
    factoring([k], 1),
    matricesOf(quantizer) * hessian + packing(k, slices, params),
  ];
  return total(slices, (n) => buffer(k, n)) + Math.max(...phases);
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

/** For measuring modules on rows of this shape, without the states. */
export const measuringNeed = (plan: ModelPlan, shape: RowShape, { method }: QuantizerSettings): number =>
  constants(plan, shape) +
  most(modulesBySize(plan), ({ module }) => measuring(plan, module, shape.length, method));

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
  const slices = headSlices(head);
  const loadingHead =
    total(slices, (n) => buffer(head.k, n)) + buffer((fileBytes(head) / 4 / head.n) * Math.max(...slices));
  const { measurement, quantization } = shapes;
  const first = { rows: Math.min(measurement.rows, quantization.rows), length: quantization.length };
  const longest = most([measurement, quantization], (shape) => constants(plan, shape));
  const phases = [
    longest + most(modules, ({ linears }) => loading(linears)),
    longest + loadingHead,
    measuringNeed(plan, measurement, quantizer),
    quantizingNeed(plan, first, quantizer),
    longest + quantizingHead(plan, quantization.length, headParams, quantizer),
  ];
  return {
    bytes: Math.max(...phases),
    largestBuffer: largestBufferOfRows(plan, Math.max(measurement.length, quantization.length)),
  };
}
