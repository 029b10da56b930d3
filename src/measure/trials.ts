import { dequantizeInto, type GpuLinear } from '../gptq/gpu-linear.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import type { StageContext } from '../job/context.ts';
import { checkControl } from '../job/control.ts';
import { type RowError, readRowErrors, recordRowErrors } from '../kernels/row_sums/token_errors.ts';
import { countModule } from '../model/count.ts';
import { runModule } from '../model/forward.ts';
import { forEachBatch } from '../model/gpu/batches.ts';
import { GpuOps, project, type Routing } from '../model/gpu/ops.ts';
import { routeTokens } from '../model/gpu/routing.ts';
import type { HiddenStates } from '../model/gpu/states/states.ts';
import { freeWeight, type LinearWeight } from '../model/gpu/weights.ts';
import { linearWeights, tokenShare } from '../model/sizes.ts';
import type { LinearSpec, MlpSpec, NormSpec } from '../model/spec.ts';
import type { LoadedModule } from '../pass/loaded-module.ts';

/** Share that remembered projections may take of the GPU memory that is free beside everything else. */
const MEMO_SHARE = 0.5;

/** The quantized versions of a linear, each in slices of its columns, and which of them each candidate takes. */
export interface LinearTrials {
  readonly versions: readonly (readonly GpuLinear[])[];
  readonly indexOf: readonly number[];
}

/** Trials of a module's linears, by name. */
export type ModuleTrials = ReadonlyMap<string, LinearTrials>;

/**
 * Errors of the module's output for each candidate and calibration row.
 * Candidates with the same versions of every linear are run once; versions that candidates share are projected once.
 * @param progress called with the share of the trials that is done, 0…1.
 * @returns errors[candidate][row].
 */
export async function runTrials(
  context: StageContext,
  loaded: LoadedModule,
  trials: ModuleTrials,
  states: HiddenStates,
  reference: HiddenStates,
  batch: number,
  onTrial: (candidate: number, errorsSoFar: readonly RowError[]) => void,
  progress: (share: number) => void,
): Promise<RowError[][]> {
  const { gpu, control } = context;
  const candidates = [...trials.values()][0]!.indexOf.length;
  const errors: RowError[][] = Array.from({ length: candidates }, () => []);
  await forEachBatch(gpu, states.rows, batch, async (scope, start, end, defer) => {
    const input = await states.loadInput(scope, start, end);
    const expected = await reference.load(scope, start, end);
    const routing = await routeTokens(loaded.forward, scope, loaded, loaded.module, input.x);
    const ops = new TrialOps(loaded, trials, scope, input.x, routing, gpu.memory.available);
    // Each candidate's errors are read as soon as they are there, while the GPU works on the next ones.
    const measured = new Map<string, Promise<RowError[]>>();
    const keys = errors.map((_, candidate) => keyOf(trials, candidate));
    for (const [candidate, key] of keys.entries()) {
      if (measured.has(key)) continue;
      await checkControl(control);
      ops.candidate = candidate;
      const y = runModule(ops, loaded.module, input);
      const reading = readRowErrors(gpu, recordRowErrors(gpu, scope, y, expected, end - start));
      defer(reading);
      measured.set(key, reading);
      scope.free(y);
    }
    const report = async () => {
      for (const [candidate, key] of keys.entries()) {
        errors[candidate]!.push(...(await measured.get(key)!));
        await checkControl(control);
        onTrial(candidate, errors[candidate]!);
        progress((start + ((end - start) * (candidate + 1)) / candidates) / states.rows);
      }
    };
    defer(report());
  });
  return errors;
}

/** Candidates with the same key give the same output. */
const keyOf = (trials: ModuleTrials, candidate: number): string =>
  [...trials.values()].map(({ indexOf }) => indexOf[candidate]!).join();

/** Runs candidates on one batch of rows, and keeps what candidates share. */
class TrialOps extends GpuOps {
  candidate = 0;
  readonly #trials: ModuleTrials;
  readonly #input: GpuTensor;
  #normed: GpuTensor | undefined;
  /** What linears make of the normed input by version; with little memory only of the last version of each. */
  readonly #memo = new Map<LinearSpec, Map<number, GpuTensor>>();
  readonly #kept = new Set<GpuTensor>();
  readonly #rememberAll: boolean;

  /** @param free bytes of GPU memory. */
  constructor(
    loaded: LoadedModule,
    trials: ModuleTrials,
    scope: Scope,
    input: GpuTensor,
    routing: Routing,
    free: number,
  ) {
    super(loaded.forward, scope, loaded, routing);
    this.#trials = trials;
    this.#input = input;
    const { linears } = loaded.module;
    const tokens = input.shape[0]! * tokenShare(loaded.module);
    const { first } = countModule(loaded.module, tokens, loaded.forward.length);
    const columns = [...first].reduce((sum, { name, n }) => sum + n * trials.get(name)!.versions.length, 0);
    const others =
      Math.max(...linears.map(linearWeights)) + 4 * Math.max(...linears.map(({ n }) => n)) * tokens;
    this.#rememberAll = columns * tokens * 4 < (free - others * 4) * MEMO_SHARE;
  }

  override norm(x: GpuTensor, norm: NormSpec): GpuTensor {
    if (x !== this.#input) return super.norm(x, norm);
    this.#normed ??= this.#keep(super.norm(x, norm));
    return this.#normed;
  }

  /** Dequantizes the candidate's version of the linear for the time of the product. */
  override project(x: GpuTensor, { name }: LinearSpec, residual?: GpuTensor): GpuTensor {
    const { versions, indexOf } = this.#trials.get(name)!;
    const version = versions[indexOf[this.candidate]!]!;
    const slices = version.map((slice) => {
      const w = this.scope.alloc([slice.k, slice.n], `candidate weight of ${name}`);
      dequantizeInto(this.context.gpu, slice, w);
      return { w, n: slice.n };
    });
    const weight = { ...(this.weights.linears.get(name) as LinearWeight), slices };
    const y = project(this.context, this.scope, x, weight, residual);
    freeWeight(this.scope, weight);
    return y;
  }

  override activate(gate: GpuTensor, up: GpuTensor | undefined, mlp: MlpSpec): GpuTensor {
    if (!this.#kept.has(gate)) return super.activate(gate, up, mlp);
    const copy = this.scope.alloc(gate.shape, 'gate');
    this.context.gpu.copy(gate, copy);
    return super.activate(copy, up, mlp);
  }

  override once(linear: LinearSpec, make: () => GpuTensor): GpuTensor {
    const version = this.#trials.get(linear.name)!.indexOf[this.candidate]!;
    const versions = this.#memo.get(linear) ?? new Map<number, GpuTensor>();
    this.#memo.set(linear, versions);
    const found = versions.get(version);
    if (found) return found;
    if (!this.#rememberAll) {
      for (const tensor of versions.values()) this.#forget(tensor);
      versions.clear();
    }
    const made = this.#keep(make());
    versions.set(version, made);
    return made;
  }

  override free(x: GpuTensor): void {
    if (!this.#kept.has(x)) super.free(x);
  }

  #keep(x: GpuTensor): GpuTensor {
    this.#kept.add(x);
    return x;
  }

  #forget(x: GpuTensor): void {
    this.#kept.delete(x);
    super.free(x);
  }
}
