import { dequantizeInto, type GpuLinear } from '../gptq/gpu-linear.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { type RowError, readRowErrors, recordRowErrors } from '../kernels/row_sums/token_errors.ts';
import { forEachBatch } from '../model/batches.ts';
import { activate, attend, normalize, project, projectHeads } from '../model/forward.ts';
import { linearWeights } from '../model/sizes.ts';
import type { HiddenStates } from '../model/states.ts';
import type { LoadedModule } from './capture.ts';
import type { StageContext } from './context.ts';
import { checkControl } from './control.ts';

/** Share that remembered projections may take of the GPU memory that is free beside everything else. */
const MEMO_SHARE = 0.5;

/** The quantized versions of a linear, and which of them each candidate takes. */
export interface LinearTrials {
  readonly versions: readonly GpuLinear[];
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
  await forEachBatch(gpu, states.rows, batch, async (scope, start, end, later) => {
    const x = states.load(scope, start, end);
    const expected = reference.load(scope, start, end);
    const runner = new BatchRunner(context, loaded, trials, scope, x);
    // Each candidate's errors are read as soon as they are there, while the GPU works on the next ones.
    const measured = new Map<string, Promise<RowError[]>>();
    const keys = errors.map((_, candidate) => runner.key(candidate));
    for (const [candidate, key] of keys.entries()) {
      if (measured.has(key)) continue;
      await checkControl(control);
      const y = runner.run(candidate);
      const reading = readRowErrors(gpu, recordRowErrors(gpu, scope, y, expected, end - start));
      later(reading);
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
    later(report());
  });
  return errors;
}

/** Runs candidates on one batch of rows. */
class BatchRunner {
  readonly #context: StageContext;
  readonly #loaded: LoadedModule;
  readonly #trials: ModuleTrials;
  readonly #scope: Scope;
  readonly #x: GpuTensor;
  readonly #postNorm: GpuTensor;
  /** Projections of postNorm by linear and version; with little memory only the last version of each linear. */
  readonly #memo = new Map<string, Map<number, GpuTensor>>();
  readonly #rememberAll: boolean;

  constructor(context: StageContext, loaded: LoadedModule, trials: ModuleTrials, scope: Scope, x: GpuTensor) {
    this.#context = context;
    this.#loaded = loaded;
    this.#trials = trials;
    this.#scope = scope;
    this.#x = x;
    this.#postNorm = normalize(loaded.forward, scope, x, loaded.norms.norm);
    const first = loaded.module.linears.filter(({ input }) => input === 'postNorm');
    const columns = first.reduce((sum, { name, n }) => sum + n * trials.get(name)!.versions.length, 0);
    const tokens = x.shape[0]!;
    const { linears } = loaded.module;
    const others =
      Math.max(...linears.map(linearWeights)) + 4 * Math.max(...linears.map(({ n }) => n)) * tokens;
    const free = context.gpu.memory.available - others * 4;
    this.#rememberAll = columns * tokens * 4 < free * MEMO_SHARE;
  }

  /** Candidates with the same key give the same output. */
  key(candidate: number): string {
    return [...this.#trials.values()].map(({ indexOf }) => indexOf[candidate]!).join();
  }

  /** The module's output (tokens, hidden) with the candidate's weights; the caller frees it. */
  run(candidate: number): GpuTensor {
    const { forward, norms, module } = this.#loaded;
    const scope = this.#scope;
    if (module.kind === 'mlp') {
      const gate = this.#copy(this.#remembered('gate_proj', candidate));
      const preDown = activate(forward, gate, this.#remembered('up_proj', candidate));
      const output = this.#project('down_proj', candidate, preDown, this.#x);
      scope.free(preDown);
      return output;
    }
    const q = this.#remembered('q_proj', candidate, norms.qNorm);
    const k = this.#remembered('k_proj', candidate, norms.kNorm);
    const v = this.#remembered('v_proj', candidate);
    const attnOutput = attend(forward, scope, [q, k, v], module.window);
    const output = this.#project('o_proj', candidate, attnOutput, this.#x);
    scope.free(attnOutput);
    return output;
  }

  #copy(tensor: GpuTensor): GpuTensor {
    const copy = this.#scope.alloc(tensor.shape, 'gate');
    this.#context.gpu.copy(tensor, copy);
    return copy;
  }

  #remembered(name: string, candidate: number, headNorm?: GpuTensor): GpuTensor {
    const version = this.#trials.get(name)!.indexOf[candidate]!;
    const versions = this.#memo.get(name) ?? new Map<number, GpuTensor>();
    this.#memo.set(name, versions);
    const found = versions.get(version);
    if (found) return found;
    if (!this.#rememberAll) {
      for (const tensor of versions.values()) this.#scope.free(tensor);
      versions.clear();
    }
    const rotated = name === 'q_proj' || name === 'k_proj';
    const made = rotated
      ? this.#withWeight(name, candidate, (linear) =>
          projectHeads(this.#loaded.forward, this.#scope, this.#postNorm, linear, headNorm),
        )
      : this.#project(name, candidate, this.#postNorm);
    versions.set(version, made);
    return made;
  }

  #project(name: string, candidate: number, input: GpuTensor, residual?: GpuTensor): GpuTensor {
    return this.#withWeight(name, candidate, (linear) =>
      project(this.#loaded.forward, this.#scope, input, linear, residual),
    );
  }

  /** Dequantizes the candidate's version of a linear for the time of `use`. */
  #withWeight(
    name: string,
    candidate: number,
    use: (linear: { k: number; n: number; w: GpuTensor; bias: GpuTensor | undefined }) => GpuTensor,
  ): GpuTensor {
    const { versions, indexOf } = this.#trials.get(name)!;
    const version = versions[indexOf[candidate]!]!;
    const { k, n } = version;
    const w = this.#scope.alloc([k, n], `candidate weight of ${name}`);
    dequantizeInto(this.#context.gpu, version, w);
    const result = use({ k, n, w, bias: this.#loaded.linears.get(name)!.bias });
    this.#scope.free(w);
    return result;
  }
}
