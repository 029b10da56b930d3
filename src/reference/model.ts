/** The forward pass in plain f64 loops, for tests of the GPU kernels. Speed is no aim. */

import { type RopeParams, type RopeTables, ropeTables } from '../model/config/rope.ts';
import type { Activation } from '../model/families/family.ts';
import { type Gathered, type Ops, runModule } from '../model/forward.ts';
import type {
  AttentionSpec,
  ExpertsSpec,
  InputKey,
  LinearSpec,
  MlpSpec,
  ModelSpec,
  NormSpec,
} from '../model/spec.ts';
import { layerNorm } from './model-kernels/layer-norm.ts';
import { linear } from './model-kernels/linear.ts';
import { topExperts } from './model-kernels/top-experts.ts';

type Numbers = Float32Array | Float64Array;

/** The values of a source tensor by name. */
type WeightOf = (name: string) => Numbers;

export interface ReferenceModule {
  readonly key: string;
  /** What each linear reads, (m, k). */
  readonly inputs: ReadonlyMap<InputKey, Float64Array>;
  /** With the residual, (m, hidden). */
  readonly output: Float64Array;
}

export interface ReferenceForward {
  /** (m, hidden) before each layer, and last after the final norm. */
  readonly hiddenStates: readonly Float64Array[];
  readonly modules: readonly ReferenceModule[];
  /** (m, vocab). */
  readonly logits: Float64Array;
}

/** Runs one row of m token ids; `weight` gives the values of a source tensor by name, `tables` the rotations. */
export function referenceForward(
  model: ModelSpec,
  weight: WeightOf,
  ids: ArrayLike<number>,
  tables?: RopeTables,
): ReferenceForward {
  const { hiddenSize } = model.config;
  const embedding = weight(model.embedding);
  const ops = new ReferenceOps(weight, ids.length, tables);
  const positions = model.positions === undefined ? undefined : weight(model.positions);
  let x: Float64Array = Float64Array.from({ length: ids.length * hiddenSize }, (_, i) => {
    const own = embedding[ids[Math.floor(i / hiddenSize)]! * hiddenSize + (i % hiddenSize)]!;
    return model.embeddingFactor * own + (positions?.[i] ?? 0);
  });
  const hiddenStates: Float64Array[] = [];
  const modules: ReferenceModule[] = [];
  let residual = x;
  for (const module of model.modules) {
    if (module.layer === hiddenStates.length) hiddenStates.push(residual);
    const inputs = new Map<InputKey, Float64Array>();
    residual = runModule(ops, module, { x, residual }, (name, input) => inputs.set(name, input));
    if (!module.keepsInput) x = residual;
    modules.push({ key: module.key, inputs, output: residual });
  }
  const normed = ops.norm(residual, model.finalNorm);
  const logits = ops
    .project(normed, model.head)
    .map((value) => softcapped(model.logitFactor * value, model.logitSoftcap));
  return { hiddenStates: [...hiddenStates, normed], modules, logits };
}

class ReferenceOps implements Ops<Float64Array> {
  readonly #weight: WeightOf;
  readonly #tokens: number;
  readonly #tables: RopeTables | undefined;
  /** Of each expert that tokens were gathered for. */
  readonly #routed = new Map<number, { readonly token: number; readonly weight: number }[]>();

  /** For rows of so many tokens; `tables` in place of the model's rotations. */
  constructor(weight: WeightOf, tokens: number, tables: RopeTables | undefined) {
    this.#weight = weight;
    this.#tokens = tokens;
    this.#tables = tables;
  }

  norm(x: Float64Array, { kind, weight, bias, size, epsilon, offset }: NormSpec): Float64Array {
    const w = Float64Array.from(this.#weight(weight), (value) => value + offset);
    if (kind === 'rms') return rmsNorm(x, w, epsilon, size);
    const b = bias === undefined ? new Float64Array(w.length) : this.#weight(bias);
    return layerNorm(x, w, b, size, epsilon);
  }

  project(x: Float64Array, spec: LinearSpec, residual?: Float64Array): Float64Array {
    const y = linear(x, spec, this.#weight);
    return residual ? residual.map((value, i) => value + y[i]!) : y;
  }

  clip(x: Float64Array, limit: number): Float64Array {
    return clipped(x, limit);
  }

  rotate(x: Float64Array, rope: RopeParams, { headDim }: AttentionSpec): Float64Array {
    const heads = x.length / (this.#tokens * headDim);
    const tables = this.#tables ?? ropeTables(rope, this.#tokens);
    return rotate(x, tables, heads, headDim, { rotated: rope.rotated, neighbours: rope.pairs });
  }

  attend(q: Float64Array, k: Float64Array, v: Float64Array, shape: AttentionSpec): Float64Array {
    return attention(q, k, v, shape);
  }

  addScaled(x: Float64Array, y: Float64Array, factor: number): Float64Array {
    return x.map((value, i) => value + factor * y[i]!);
  }

  activate(gate: Float64Array, up: Float64Array | undefined, { activation }: MlpSpec): Float64Array {
    return gate.map((value, i) => activations[activation](value) * (up ? up[i]! : 1));
  }

  copy(x: Float64Array): Float64Array {
    return x.slice();
  }

  gather(x: Float64Array, { router }: ExpertsSpec, expert: number): Gathered<Float64Array> | undefined {
    const { linear: spec, experts, perToken, normalized } = router;
    const logits = linear(x, spec, this.#weight);
    const routed = Array.from({ length: this.#tokens }, (_, token) => {
      const own = logits.subarray(token * experts, (token + 1) * experts);
      return {
        token,
        weight: topExperts(own, perToken, normalized).find((each) => each.expert === expert)?.weight,
      };
    }).flatMap(({ token, weight }) => (weight === undefined ? [] : [{ token, weight }]));
    if (routed.length === 0) return undefined;
    this.#routed.set(expert, routed);
    const { k } = spec;
    const rows = Float64Array.from(
      { length: routed.length * k },
      (_, i) => x[routed[Math.floor(i / k)]!.token * k + (i % k)]!,
    );
    return { rows, tokens: routed.length };
  }

  scatter(y: Float64Array, x: Float64Array, expert: number): void {
    const routed = this.#routed.get(expert)!;
    const width = x.length / routed.length;
    for (const [i, { token, weight }] of routed.entries()) {
      for (let j = 0; j < width; j++) y[token * width + j]! += weight * x[i * width + j]!;
    }
  }

  once(_: LinearSpec, make: () => Float64Array): Float64Array {
    return make();
  }

  free(): void {}
}

/** Values beyond ±limit become it. */
export const clipped = (x: Numbers, limit: number): Float64Array =>
  Float64Array.from(x, (value) => Math.min(limit, Math.max(-limit, value)));

/** x / sqrt(mean(x²) + eps) · w over runs of k values: whole rows, or single heads. w (heads, k): runs take it in turn. */
export function rmsNorm(x: Numbers, w: Numbers, eps: number, k = w.length): Float64Array {
  const y = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += k) {
    let squares = 0;
    for (let i = 0; i < k; i++) squares += x[start + i]! ** 2;
    const scale = 1 / Math.sqrt(squares / k + eps);
    for (let i = 0; i < k; i++) y[start + i] = x[start + i]! * scale * w[(start + i) % w.length]!;
  }
  return y;
}

/**
 * Turns the first `rotated` dimensions of every head of x (m, heads, headDim) by its position's angle: i and
 * i + rotated/2 together, or `neighbours` 2i and 2i + 1. cos, sin (m, rotated/2).
 */
export function rotate(
  x: Numbers,
  { cos, sin }: { readonly cos: Numbers; readonly sin: Numbers },
  heads: number,
  headDim: number,
  { rotated = headDim, neighbours = false } = {},
): Float64Array {
  const y = Float64Array.from(x);
  const half = rotated / 2;
  for (let start = 0; start < x.length; start += headDim) {
    const position = Math.floor(start / (heads * headDim));
    for (let i = 0; i < half; i++) {
      const [first, second] = neighbours ? [start + 2 * i, start + 2 * i + 1] : [start + i, start + i + half];
      const [a, b] = [x[first]!, x[second]!];
      const [c, s] = [cos[position * half + i]!, sin[position * half + i]!];
      y[first] = a * c - b * s;
      y[second] = b * c + a * s;
    }
  }
  return y;
}

export interface AttentionShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Factor on scores; 1/√headDim where it is not said. */
  readonly scale?: number;
  readonly window: number | undefined;
  /** Of the scaled scores. */
  readonly softcap?: number;
}

/** cap · tanh(x / cap); 0: x. */
export const softcapped = (x: number, cap: number): number => (cap === 0 ? x : cap * Math.tanh(x / cap));

/**
 * softmax(softcap(q·kᵀ/√headDim))·v: q (m, heads, headDim), k and v (m, kvHeads, headDim), result as q.
 * Query i sees keys j with i − window < j ≤ i; consecutive query heads share a key/value head.
 */
export function attention(
  q: Numbers,
  k: Numbers,
  v: Numbers,
  { heads, kvHeads, headDim, window = Infinity, scale = 1 / Math.sqrt(headDim), softcap = 0 }: AttentionShape,
): Float64Array {
  const y = new Float64Array(q.length);
  for (let start = 0; start < q.length; start += headDim) {
    const i = Math.floor(start / (heads * headDim));
    const kvHead = Math.floor(((start / headDim) % heads) / (heads / kvHeads));
    const first = Math.max(0, i - window + 1);
    const keyStart = (j: number): number => (j * kvHeads + kvHead) * headDim;
    const scores: number[] = [];
    for (let j = first; j <= i; j++) {
      let dot = 0;
      for (let d = 0; d < headDim; d++) dot += q[start + d]! * k[keyStart(j) + d]!;
      scores.push(softcapped(dot * scale, softcap));
    }
    const largest = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - largest));
    const sum = weights.reduce((a, b) => a + b, 0);
    weights.forEach((weight, index) => {
      for (let d = 0; d < headDim; d++) y[start + d]! += (weight / sum) * v[keyStart(first + index) + d]!;
    });
  }
  return y;
}

export const activations: Readonly<Record<Activation, (x: number) => number>> = {
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};

/** erf by its series of positive terms, 2/√π·e^(−x²)·Σ 2ⁿx^(2n+1)/(2n+1)!!; ±1 to f64 precision from 6. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
