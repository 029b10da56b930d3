/**
 * The forward pass of one residual block, in steps that measurement can recombine. Activations are (tokens, width)
 * f32, calibration rows after each other.
 */

import type { Gpu } from '../gpu/gpu.ts';
import { inParts, rowsOf } from '../gpu/parts.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { attention } from '../kernels/attention/attention.ts';
import { addBias } from '../kernels/elementwise/add_bias.ts';
import { gatedActivation } from '../kernels/elementwise/gated_activation.ts';
import { rmsNorm } from '../kernels/rms_norm/rms_norm.ts';
import { rope } from '../kernels/rope/rope.ts';
import type { LinearInput } from './architectures/architecture.ts';
import type { ModelConfig } from './config.ts';
import { type AnyLinear, multiply } from './linear.ts';
import type { ModuleSpec } from './plan.ts';
import { ropeTables } from './rope.ts';
import type { ModuleNorms } from './weights.ts';

/** What every step needs: the model's constants and the rotation tables for rows of `length` tokens. */
export interface ForwardContext {
  readonly gpu: Gpu;
  readonly config: ModelConfig;
  readonly length: number;
  /** (length, headDim/2) f32 each. */
  readonly cosine: GpuTensor;
  readonly sine: GpuTensor;
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

/** Each linear's input. */
export type BlockInputs = ReadonlyMap<LinearInput, GpuTensor>;

/** What a block computes on its way: each linear's input, and x + f(norm(x)). */
export interface BlockResult {
  readonly inputs: BlockInputs;
  readonly output: GpuTensor;
}

const ACTIVATION = { silu: 0, gelu: 1, gelu_tanh: 2 } as const;

export function forwardContext(gpu: Gpu, scope: Scope, config: ModelConfig, length: number): ForwardContext {
  const { cos, sin } = ropeTables(config, length);
  const cosine = scope.upload(Float32Array.from(cos), 'rope cosines');
  const sine = scope.upload(Float32Array.from(sin), 'rope sines');
  return { gpu, config, length, cosine, sine, mixed: false };
}

const tokensOf = (x: GpuTensor): number => x.shape[0]!;

/** The module's norm of x (tokens, hidden). */
export function normalize(
  { gpu, config }: ForwardContext,
  scope: Scope,
  x: GpuTensor,
  weight: GpuTensor,
): GpuTensor {
  const y = scope.alloc(x.shape, 'postNorm');
  gpu.run(rmsNorm, { rows: tokensOf(x), k: config.hiddenSize, epsilon: config.normEps, x, weight, y });
  return y;
}

/** x·w + bias, (tokens, n); with `residual` (tokens, n), added to it. */
export function project(
  { gpu, mixed }: ForwardContext,
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

/** A query or key projection and what follows it: head norm (if the model has one) and rotation. */
export function projectHeads(
  context: ForwardContext,
  scope: Scope,
  x: GpuTensor,
  linear: AnyLinear,
  headNorm: GpuTensor | undefined,
): GpuTensor {
  const { gpu, config, length, cosine, sine, cache } = context;
  let y = project(context, scope, x, linear);
  const heads = linear.n / config.headDim;
  if (headNorm) {
    const normed = scope.alloc(y.shape, 'head norm');
    const rows = tokensOf(y) * heads;
    gpu.run(rmsNorm, { rows, k: config.headDim, epsilon: config.normEps, x: y, weight: headNorm, y: normed });
    scope.free(y);
    y = normed;
  }
  const past = cache?.past ?? 0;
  gpu.run(rope, { tokens: tokensOf(y), length, heads, d: config.headDim, past, cosine, sine, x: y });
  return y;
}

/** Causal attention of rotated q and k; `window` in tokens. */
export function attend(
  { gpu, config, length, cache }: ForwardContext,
  scope: Scope,
  [q, k, v]: readonly [GpuTensor, GpuTensor, GpuTensor],
  window: number | undefined,
): GpuTensor {
  const { heads, kvHeads, headDim: d } = config;
  const o = scope.alloc(q.shape, 'attnOutput');
  const rows = tokensOf(q) / length;
  const past = cache?.past ?? 0;
  const reach = Math.min(window ?? past + length, past + length);
  const scalars = { length, heads, kvHeads, d, window: reach, scale: 1 / Math.sqrt(d), past };
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

/** f(gate) · up, in place of `gate`. */
export function activate({ gpu, config }: ForwardContext, gate: GpuTensor, up: GpuTensor): GpuTensor {
  const count = gate.size / 4;
  gpu.run(gatedActivation, { count, activation: ACTIVATION[config.activation], up, gate });
  return gate;
}

/** What a block computes up to its last linear: each linear's input. The results belong to `scope`. */
export function runInputs(
  context: ForwardContext,
  scope: Scope,
  module: ModuleSpec,
  norms: ModuleNorms,
  linears: ReadonlyMap<string, AnyLinear>,
  x: GpuTensor,
): BlockInputs {
  const postNorm = normalize(context, scope, x, norms.norm);
  const linear = (name: string) => linears.get(name)!;
  if (module.kind === 'mlp') {
    const up = project(context, scope, postNorm, linear('up_proj'));
    const preDown = activate(context, project(context, scope, postNorm, linear('gate_proj')), up);
    scope.free(up);
    return new Map([
      ['postNorm', postNorm],
      ['preDown', preDown],
    ]);
  }
  const q = projectHeads(context, scope, postNorm, linear('q_proj'), norms.qNorm);
  const k = projectHeads(context, scope, postNorm, linear('k_proj'), norms.kNorm);
  const v = project(context, scope, postNorm, linear('v_proj'));
  const [keys, values] = context.cache?.extend(module.layer, k, v) ?? [k, v];
  const attnOutput = attend(context, scope, [q, keys, values], module.window);
  for (const tensor of [q, k, v]) scope.free(tensor);
  return new Map([
    ['postNorm', postNorm],
    ['attnOutput', attnOutput],
  ]);
}

/** The block's output from what {@link runInputs} gave for x. */
export function finishBlock(
  context: ForwardContext,
  scope: Scope,
  module: ModuleSpec,
  linears: ReadonlyMap<string, AnyLinear>,
  inputs: BlockInputs,
  x: GpuTensor,
): GpuTensor {
  const [input, name] =
    module.kind === 'mlp' ? (['preDown', 'down_proj'] as const) : (['attnOutput', 'o_proj'] as const);
  return project(context, scope, inputs.get(input)!, linears.get(name)!, x);
}

/** Runs a whole block on x (tokens, hidden); the results belong to `scope`. */
export function runBlock(
  context: ForwardContext,
  scope: Scope,
  module: ModuleSpec,
  norms: ModuleNorms,
  linears: ReadonlyMap<string, AnyLinear>,
  x: GpuTensor,
): BlockResult {
  const inputs = runInputs(context, scope, module, norms, linears, x);
  return { inputs, output: finishBlock(context, scope, module, linears, inputs, x) };
}
