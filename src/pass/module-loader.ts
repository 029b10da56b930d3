import { padColumns } from '../exl2/packed-linear.ts';
import { Scope } from '../gpu/scope.ts';
import type { StageContext } from '../job/context.ts';
import type { HiddenStates } from '../model/gpu/states/states.ts';
import type { ModuleSpec } from '../model/spec.ts';
import { DTYPES } from '../tensor/dtype.ts';
import { OutOfMemoryError } from '../util/errors.ts';
import { ACTIVATION_SHARE } from './batch-size.ts';
import { type LoadedModule, loadModule } from './loaded-module.ts';

interface Loading {
  readonly module: ModuleSpec;
  readonly scope: Scope;
  readonly loaded: Promise<LoadedModule>;
  /** Of memory before: see {@link GpuMemory.failures}. */
  readonly failures: number;
}

/**
 * Loads modules, the next one while states pass through the one before: where memory allows, and no states that come
 * from main memory need the way to the GPU.
 */
export class ModuleLoader {
  readonly #context: StageContext;
  readonly #length: number;
  #ahead: Loading | undefined;

  /** For rows of `length` tokens. */
  constructor(context: StageContext, length: number) {
    this.#context = context;
    this.#length = length;
  }

  /**
   * Begins to load a module while `states` advance; one at a time. Nothing else may take GPU memory until it is used.
   */
  loadAhead(module: ModuleSpec | undefined, states: HiddenStates): void {
    if (!module || this.#ahead) return;
    if (states.isResident && this.#hasRoomFor(module)) this.#ahead = this.#load(module);
  }

  /** The module with its weights, which belong to `scope`; the caller frees it. */
  async take(module: ModuleSpec): Promise<{ scope: Scope; loaded: LoadedModule }> {
    const { scope, loaded } = (await this.#takeAhead(module)) ?? this.#load(module);
    try {
      return { scope, loaded: await loaded };
    } catch (error) {
      scope.freeAll();
      throw error;
    }
  }

  /** Frees what was loaded ahead. */
  async free(): Promise<void> {
    await this.#takeAhead(undefined);
  }

  #load(module: ModuleSpec): Loading {
    const scope = new Scope(this.#context.gpu);
    const { failures } = this.#context.gpu.memory;
    const loaded = loadModule(this.#context, scope, module, this.#length);
    loaded.catch(() => {}); // thrown when it is used
    return { module, scope, loaded, failures };
  }

  /** What was loaded ahead, if it is this module and memory sufficed. */
  async #takeAhead(module: ModuleSpec | undefined): Promise<Loading | undefined> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (!ahead) return undefined;
    const failure = await ahead.loaded.then(
      () => undefined,
      (error: unknown) => error,
    );
    const { gpu } = this.#context;
    await gpu.buffersChecked();
    const isWhole = ahead.failures === gpu.memory.failures && !(failure instanceof OutOfMemoryError);
    if (ahead.module === module && isWhole) return ahead;
    ahead.scope.freeAll();
    return undefined;
  }

  /** Beside its weights, in both forms, two batches of rows must fit: one too many. */
  #hasRoomFor({ linears }: ModuleSpec): boolean {
    const { gpu, source } = this.#context;
    const weights = linears.reduce((sum, { k, n }) => sum + k * padColumns(n) * 4, 0);
    const stored = Math.max(
      ...linears.map(({ weight, k, n }) => k * n * DTYPES[source.requireInfo(weight).dtype].bytes),
    );
    return gpu.memory.available >= weights + stored + 2 * ACTIVATION_SHARE * gpu.memory.budget;
  }
}
