/**
 * The forward pass of one residual block, written once, over operations that run it on a GPU (`gpu/ops.ts`), count
 * its memory and arithmetic (`count.ts`) or compute it in f64 for tests (`../reference/model.ts`). Activations are
 * (tokens, width), calibration rows after each other.
 */

import type { RopeParams } from './config/rope.ts';
import type {
  AttentionSpec,
  ExpertsSpec,
  InputKey,
  LinearSpec,
  MlpSpec,
  ModuleSpec,
  NormSpec,
} from './spec.ts';
import { MODULE_INPUT } from './spec.ts';

/** Operations on activations of type T. Each gives a new one, unless it says otherwise. */
export interface Ops<T> {
  norm(x: T, norm: NormSpec): T;
  /** x·W + bias, added to `residual` where it is given. */
  project(x: T, linear: LinearSpec, residual?: T): T;
  /** Clamps to ±limit, in its place. */
  clip(x: T, limit: number): T;
  /** Rotates the heads of a query or key projection, in its place. */
  rotate(x: T, rope: RopeParams, attention: AttentionSpec): T;
  /** Causal attention of rotated q and k. @param layer its number, for the keys and values of tokens before. */
  attend(q: T, k: T, v: T, attention: AttentionSpec, layer: number): T;
  /** x + factor · y, in place of `y`. */
  addScaled(x: T, y: T, factor: number): T;
  /** f(gate) · up, in place of `gate`; without `up` f(gate). */
  activate(gate: T, up: T | undefined, mlp: MlpSpec): T;
  copy(x: T): T;
  /** The rows of x, a normed input, of the tokens that are routed to this expert; undefined when none is. */
  gather(x: T, experts: ExpertsSpec, expert: number): Gathered<T> | undefined;
  /** Adds what an expert has made of its tokens, by its weight for each, to their rows of y, in its place. */
  scatter(y: T, made: T, expert: number): void;
  /** Makes what depends on the module's input and this one linear, which those who try many weights may keep. */
  once(linear: LinearSpec, make: () => T): T;
  /** `x` is not needed any more. */
  free(x: T): void;
}

/** Rows for an expert. */
export interface Gathered<T> {
  /** Maybe with rows of zeros after the tokens'. */
  readonly rows: T;
  readonly tokens: number;
}

/**
 * Sees what linears read, (tokens, k), each distinct input once; it is of use until the call has ended.
 * @param tokens how many of its rows are tokens, where those after them are zeros.
 */
export type Tap<T> = (input: InputKey, x: T, tokens?: number) => void;

/** What a module works on. */
export interface ModuleInput<T> {
  /** What it reads. */
  readonly x: T;
  /** What it adds to; often x itself. */
  readonly residual: T;
}

/**
 * residual + factor · norm(f(norm(x))), the outer norm where there is one.
 * @param wanted whether what comes out is; else only what linears read is made, and the residual comes out.
 */
export function runModule<T>(
  ops: Ops<T>,
  module: ModuleSpec,
  { x, residual }: ModuleInput<T>,
  tap: Tap<T> = () => {},
  wanted = true,
): T {
  const { norm, postNorm, mixer, layer, residualFactor } = module;
  const normed = ops.norm(x, norm);
  if (mixer.kind === 'experts') return throughExperts(ops, mixer, normed, residual, tap, wanted);
  tap(MODULE_INPUT, normed);
  const [linear, inner] =
    mixer.kind === 'mlp' ? gated(ops, mixer, normed) : attended(ops, mixer, layer, normed);
  tap(linear.input, inner);
  if (!wanted) {
    ops.free(inner);
    return residual;
  }
  const isPlain = residualFactor === 1 && !postNorm;
  const output = isPlain
    ? ops.project(inner, linear, residual)
    : ops.addScaled(residual, normIf(ops, ops.project(inner, linear), postNorm), residualFactor);
  ops.free(inner);
  return output;
}

/** What the last linear reads. */
type Inner<T> = readonly [last: LinearSpec, input: T];

function gated<T>(ops: Ops<T>, mlp: MlpSpec, x: T): Inner<T> {
  const { gate: gateLinear } = mlp;
  const up = ops.once(mlp.up, () => ops.project(x, mlp.up));
  const gate = gateLinear && ops.once(gateLinear, () => ops.project(x, gateLinear));
  ops.free(x);
  const inner = ops.activate(gate ?? up, gate && up, mlp);
  if (gate) ops.free(up);
  return [mlp.down, inner];
}

function attended<T>(ops: Ops<T>, attention: AttentionSpec, layer: number, x: T): Inner<T> {
  const { clip } = attention;
  const projected = (linear: LinearSpec) => {
    const y = ops.project(x, linear);
    return clip === undefined ? y : ops.clip(y, clip);
  };
  const heads = (linear: LinearSpec, norm: NormSpec | undefined) =>
    ops.once(linear, () => {
      const normed = normIf(ops, projected(linear), norm);
      return attention.rope ? ops.rotate(normed, attention.rope, attention) : normed;
    });
  const q = heads(attention.q, attention.qNorm);
  const k = heads(attention.k, attention.kNorm);
  const v = ops.once(attention.v, () => projected(attention.v));
  ops.free(x);
  const inner = ops.attend(q, k, v, attention, layer);
  for (const each of [q, k, v]) ops.free(each);
  return [attention.o, inner];
}

/** One expert after the other, each on its tokens. */
function throughExperts<T>(
  ops: Ops<T>,
  mixer: ExpertsSpec,
  normed: T,
  residual: T,
  tap: Tap<T>,
  wanted: boolean,
): T {
  tap(MODULE_INPUT, normed);
  const output = wanted ? ops.copy(residual) : residual;
  for (const [i, mlp] of mixer.experts.entries()) {
    const expert = mixer.first + i;
    const own = ops.gather(normed, mixer, expert);
    if (own === undefined) continue;
    const [down, inner] = gated(ops, mlp, own.rows);
    tap(down.input, inner, own.tokens);
    if (wanted) {
      const made = ops.project(inner, down);
      ops.scatter(output, made, expert);
      ops.free(made);
    }
    ops.free(inner);
  }
  ops.free(normed);
  return output;
}

function normIf<T>(ops: Ops<T>, x: T, norm: NormSpec | undefined): T {
  if (!norm) return x;
  const normed = ops.norm(x, norm);
  ops.free(x);
  return normed;
}
