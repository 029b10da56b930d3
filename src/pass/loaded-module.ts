import type { Scope } from '../gpu/scope.ts';
import type { StageContext } from '../job/context.ts';
import { type ForwardContext, forwardContext } from '../model/gpu/ops.ts';
import { type LinearWeight, loadLinears, loadNorms, type NormWeight } from '../model/gpu/weights.ts';
import type { ModuleSpec } from '../model/spec.ts';

/** A module with its weights on the GPU. */
export interface LoadedModule {
  readonly module: ModuleSpec;
  readonly forward: ForwardContext;
  /** By the names of their weights. */
  readonly norms: ReadonlyMap<string, NormWeight>;
  /** By name within the module. */
  readonly linears: Map<string, LinearWeight>;
}

/** Loads a module's tensors into `scope`, for rows of `length` tokens. */
export async function loadModule(
  { gpu, source, plan }: StageContext,
  scope: Scope,
  module: ModuleSpec,
  length: number,
): Promise<LoadedModule> {
  return {
    module,
    forward: forwardContext(gpu, scope, plan, length),
    norms: await loadNorms(scope, source, module),
    linears: await loadLinears(gpu, scope, source, module),
  };
}

/** The module with products that may round its inputs to half precision, or not. */
export const withPrecision = (loaded: LoadedModule, mixed: boolean): LoadedModule => ({
  ...loaded,
  forward: { ...loaded.forward, mixed },
});
