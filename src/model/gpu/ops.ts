import type { Gpu } from '../../gpu/gpu.ts';
import { inParts, rowsOf } from '../../gpu/parts.ts';
import type { Scope } from '../../gpu/scope.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';
import { attention } from '../../kernels/attention/attention.ts';
import { activation as plainActivation } from '../../kernels/elementwise/activation.ts';
import { addBias } from '../../kernels/elementwise/add_bias.ts';
import { addScaled } from '../../kernels/elementwise/add_scaled.ts';
import { clip } from '../../kernels/elementwise/clip.ts';
import { gatedActivation } from '../../kernels/elementwise/gated_activation.ts';
import { scaleSoftcap } from '../../kernels/elementwise/scale_softcap.ts';
import { gatherRows } from '../../kernels/experts/gather_rows.ts';
import { scatterRows } from '../../kernels/experts/scatter_rows.ts';
import { layerNorm } from '../../kernels/layer_norm/layer_norm.ts';
import { rmsNorm } from '../../kernels/rms_norm/rms_norm.ts';
import { rope } from '../../kernels/rope/rope.ts';
import { type RopeParams, ropeTables } from '../config/rope.ts';
import type { Gathered, Ops } from '../forward.ts';
import type { AttentionSpec, ExpertsSpec, LinearSpec, MlpSpec, ModelSpec, NormSpec } from '../spec.ts';
import { type AnyLinear, multiply } from './linear.ts';
import type { NormWeight } from './weights.ts';

/** What every module needs: rotation tables for rows of `length` tokens, and how to go about products. */
export interface ForwardContext {
  readonly gpu: Gpu;
  readonly length: number;
  /** Of each distinct rotation: (length, rotated/2) f32 each. */
  readonly rotations: ReadonlyMap<RopeParams, { readonly cosine: GpuTensor; readonly sine: GpuTensor }>;
  /** Activations fit half precision: products may round them to it. */
  readonly mixed: boolean;
  /** Keys and values of the tokens before; then x is one row's next tokens, and the tables reach to their end. */
  readonly cache?: KeyValueCache;
}

/** What attention needs of the tokens before. */
export interface KeyValueCache {
  /** Tokens that it holds. */
  readonly past: number;
  /** Adds the next tokens' rotated keys and values, (m, kvHeads · headDim), to a layer; gives all so far. */
  extend(layer: number, k: GpuTensor, v: GpuTensor): readonly [k: GpuTensor, v: GpuTensor];
}

/** Weights of a module on the GPU. */
export interface ModuleWeights {
  /** By the names of their weights. */
  readonly norms: ReadonlyMap<string, NormWeight>;
  /** By name within the module. */
  readonly linears: ReadonlyMap<string, AnyLinear>;
}

/** An expert's tokens of a batch. */
export interface RoutedTokens {
  /** How many they are. */
  readonly tokens: number;
  /** Their numbers in the batch, padded with `NO_ROW` to whole matrices, as matrix units want it; u32. */
  readonly rows: GpuTensor;
  /** The expert's weight for each, padded with zeros; f32. */
  readonly weights: GpuTensor;
}

/** Tokens of a batch by the number of the expert; those without any are left out. */
export type Routing = ReadonlyMap<number, RoutedTokens>;

/** The tables belong to `scope`. */
export function forwardContext(
  gpu: Gpu,
  scope: Scope,
  { modules }: Pick<ModelSpec, 'modules'>,
  length: number,
): ForwardContext {
  const rotations = new Map<RopeParams, { cosine: GpuTensor; sine: GpuTensor }>();
  for (const { mixer } of modules) {
    if (mixer.kind !== 'attention' || !mixer.rope || rotations.has(mixer.rope)) continue;
    const { cos, sin } = ropeTables(mixer.rope, length);
    const cosine = scope.upload(Float32Array.from(cos), 'rope cosines');
    const sine = scope.upload(Float32Array.from(sin), 'rope sines');
    rotations.set(mixer.rope, { cosine, sine });
  }
  return { gpu, length, rotations, mixed: false };
}

const ACTIVATION = { silu: 0, gelu: 1, gelu_tanh: 2 } as const;

const tokensOf = (x: GpuTensor): number => x.shape[0]!;

/** Runs a module on the GPU, in f32. Results belong to `scope`. */
export class GpuOps implements Ops<GpuTensor> {
  protected readonly context: ForwardContext;
  protected readonly scope: Scope;
  protected readonly weights: ModuleWeights;
  readonly #routing: Routing;

  /** @param routing of the batch, for a module with experts: see `routeTokens`. */
  constructor(context: ForwardContext, scope: Scope, weights: ModuleWeights, routing: Routing) {
    this.context = context;
    this.scope = scope;
    this.weights = weights;
    this.#routing = routing;
  }

  norm(x: GpuTensor, norm: NormSpec): GpuTensor {
    return normalize(this.context.gpu, this.scope, x, this.weights.norms.get(norm.weight)!);
  }

  project(x: GpuTensor, { name }: LinearSpec, residual?: GpuTensor): GpuTensor {
    return project(this.context, this.scope, x, this.weights.linears.get(name)!, residual);
  }

  clip(x: GpuTensor, limit: number): GpuTensor {
    this.context.gpu.run(clip, { count: x.size / 4, limit, x });
    return x;
  }

  rotate(x: GpuTensor, params: RopeParams, { headDim: d }: AttentionSpec): GpuTensor {
    const { gpu, length, rotations, cache } = this.context;
    const heads = x.shape[1]! / d;
    const past = cache?.past ?? 0;
    const { rotated, pairs } = params;
    const shape = { tokens: tokensOf(x), length, heads, d, rotated, pairs: pairs ? 1 : 0, past };
    gpu.run(rope, { ...shape, ...rotations.get(params)!, x });
    return x;
  }

  attend(
    q: GpuTensor,
    newKeys: GpuTensor,
    newValues: GpuTensor,
    { heads, kvHeads, headDim: d, scale, softcap, window }: AttentionSpec,
    layer: number,
  ): GpuTensor {
    const { gpu, length, cache } = this.context;
    const [k, v] = cache?.extend(layer, newKeys, newValues) ?? [newKeys, newValues];
    const o = this.scope.alloc(q.shape, 'attention');
    const rows = tokensOf(q) / length;
    const past = cache?.past ?? 0;
    const reach = Math.min(window ?? past + length, past + length);
    const scalars = { length, heads, kvHeads, d, window: reach, scale, softcap, past };
    // About half as fast as products.
    const flops = 2 * 4 * length * (past + length / 2) * heads * d;
    const runRows = (start: number, count: number) => {
      const part = (x: GpuTensor, positions: number) => rowsOf(x, start * positions, count * positions);
      const [keys, values] = [part(k, past + length), part(v, past + length)];
      const tensors = { q: part(q, length), k: keys, v: values, o: part(o, length) };
      gpu.run(attention, { ...scalars, rows: count, ...tensors });
    };
    // Widths are multiples of 32, so that two rows end where a view may begin, whatever their length.
    inParts(gpu, rows, flops, runRows, 2);
    return o;
  }

  addScaled(x: GpuTensor, y: GpuTensor, factor: number): GpuTensor {
    this.context.gpu.run(addScaled, { count: y.size / 4, factor, x, y });
    return y;
  }

  activate(gate: GpuTensor, up: GpuTensor | undefined, { activation }: MlpSpec): GpuTensor {
    const { gpu } = this.context;
    const call = { count: gate.size / 4, activation: ACTIVATION[activation] };
    if (up) gpu.run(gatedActivation, { ...call, up, gate });
    else gpu.run(plainActivation, { ...call, y: gate });
    return gate;
  }

  copy(x: GpuTensor): GpuTensor {
    const y = this.scope.alloc(x.shape, 'output');
    this.context.gpu.copy(x, y);
    return y;
  }

  gather(x: GpuTensor, _: ExpertsSpec, expert: number): Gathered<GpuTensor> | undefined {
    const routed = this.#routing.get(expert);
    if (!routed) return undefined;
    const { rows } = routed;
    const [all, width] = x.shape as [number, number];
    const count = rows.shape[0]!;
    const y = this.scope.alloc([count, width], 'input of an expert');
    this.context.gpu.run(gatherRows, { tokens: all, count, width, x, rows, y });
    return { rows: y, tokens: routed.tokens };
  }

  scatter(y: GpuTensor, x: GpuTensor, expert: number): void {
    const { rows, weights } = this.#routing.get(expert)!;
    const [tokens, width] = y.shape as [number, number];
    this.context.gpu.run(scatterRows, { tokens, count: rows.shape[0]!, width, x, rows, weights, y });
  }

  once(_: LinearSpec, make: () => GpuTensor): GpuTensor {
    return make();
  }

  free(x: GpuTensor): void {
    this.scope.free(x);
  }
}

/** Each run of `size` values of x normed; of x's shape. */
export function normalize(
  gpu: Gpu,
  scope: Scope,
  x: GpuTensor,
  { size: k, heads = 1, epsilon, kind, w: weight, b: bias }: NormWeight,
): GpuTensor {
  const y = scope.alloc(x.shape, 'norm');
  const call = { rows: x.size / 4 / k, k, heads, epsilon, x, weight, y };
  if (kind === 'layer') gpu.run(layerNorm, { ...call, bias: bias! });
  else gpu.run(rmsNorm, call);
  return y;
}

/** What a model makes of its head's products, in place. @param logits (tokens, vocabulary) */
export function finishLogits(
  gpu: Gpu,
  logits: GpuTensor,
  { logitFactor: scale, logitSoftcap: softcap }: Pick<ModelSpec, 'logitFactor' | 'logitSoftcap'>,
): void {
  if (scale === 1 && softcap === 0) return;
  gpu.run(scaleSoftcap, { count: logits.size / 4, scale, softcap, x: logits });
}

/** x·w + bias, (tokens, n); with `residual` (tokens, n), added to it. */
export function project(
  { gpu, mixed }: Pick<ForwardContext, 'gpu' | 'mixed'>,
  scope: Scope,
  x: GpuTensor,
  linear: AnyLinear,
  residual?: GpuTensor,
): GpuTensor {
  const m = tokensOf(x);
  const { n, bias } = linear;
  const y = scope.alloc([m, n], 'projection');
  if (residual) gpu.copy(residual, y);
  multiply(gpu, scope, x, linear, y, { accumulate: residual !== undefined, mixed });
  if (bias) gpu.run(addBias, { m, n, bias, y });
  return y;
}
