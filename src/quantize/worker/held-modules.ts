import type { Scope } from '../../gpu/scope.ts';
import type { SafetensorsFile } from '../../io/safetensors/reader.ts';
import { ARTEFACT } from '../../job/artefacts.ts';
import type { StageContext } from '../../job/context.ts';
import type { LinearWeight } from '../../model/gpu/weights.ts';
import type { LinearSpec } from '../../model/spec.ts';
import type { LoadedModule } from '../../pass/loaded-module.ts';
import type { ModuleLoader } from '../../pass/module-loader.ts';
import { packedTensorsOf, takePackedWeight } from '../../pass/packed-module.ts';
import type { HostTensor } from '../../tensor/dtype.ts';
import { assert } from '../../util/errors.ts';
import type { QuantizedLinear } from '../quantize-linear.ts';

/** A module with its weights, from its sums until the rows have advanced through it. */
interface HeldModule {
  readonly index: number;
  readonly scope: Scope;
  readonly loaded: LoadedModule;
  /** Names of the linears that are quantized: their weights are the rebuilt ones. */
  readonly replaced: Set<string>;
}

/** The weights that a worker's rows run through: of one module at a time, as it is and then quantized. */
export class HeldModules {
  readonly #context: StageContext;
  readonly #loader: ModuleLoader;
  #held: HeldModule | undefined;

  constructor(context: StageContext, loader: ModuleLoader) {
    this.#context = context;
    this.#loader = loader;
  }

  /** Whether the module of this number is the one. */
  holds(index: number): boolean {
    return this.#held?.index === index;
  }

  /** The module as it is; it is loaded again where linears have been replaced. */
  async original(index: number): Promise<LoadedModule> {
    if (this.#held && this.holds(index) && this.#held.replaced.size === 0) return this.#held.loaded;
    this.release();
    const taken = await this.#loader.take(this.#context.plan.modules[index]!);
    this.#held = { index, ...taken, replaced: new Set() };
    return taken.loaded;
  }

  /** The module that is held, with what has been put in place of its weights. */
  current(index: number): LoadedModule {
    return this.#at(index).loaded;
  }

  /** Has `make` free a linear's weight, and rebuild it in the same scope. */
  async replace(
    index: number,
    { name }: LinearSpec,
    make: (scope: Scope, weight: LinearWeight) => Promise<QuantizedLinear>,
  ): Promise<QuantizedLinear> {
    const { scope, loaded, replaced } = this.#at(index);
    replaced.add(name);
    const made = await make(scope, loaded.linears.get(name)!);
    loaded.linears.set(name, made.weight);
    return made;
  }

  /** Puts the weight that packed tensors stand for in place of a linear's. */
  async take(index: number, linear: LinearSpec, tensors: readonly HostTensor[]): Promise<void> {
    const { scope, loaded, replaced } = this.#at(index);
    replaced.add(linear.name);
    await takePackedWeight(this.#context, scope, loaded, linear, tensors);
  }

  /** Takes what is missing of a finished module from its tensors, which are in the work directory. */
  async complete(index: number, file?: SafetensorsFile): Promise<void> {
    const { loaded, replaced } = this.#at(index);
    const { linears, key } = loaded.module;
    const missing = linears.filter(({ name }) => !replaced.has(name));
    if (missing.length === 0) return;
    const tensors = file ?? (await this.#context.work.openTensors(ARTEFACT.tensors(key)));
    assert(tensors, `${key} is not finished`);
    for (const linear of missing) await this.take(index, linear, await packedTensorsOf(tensors, linear));
  }

  release(): void {
    this.#held?.scope.freeAll();
    this.#held = undefined;
  }

  #at(index: number): HeldModule {
    assert(this.#held && this.holds(index), `module ${index} is not loaded`);
    return this.#held;
  }
}
