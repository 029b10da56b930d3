/** A model's weights where they are between two runs, and how a run has them. */

import type { Gpu } from '../gpu/gpu.ts';
import type { Scope } from '../gpu/scope.ts';
import { readAhead } from '../io/model/read-ahead.ts';
import type { Range } from '../model/gpu/column-slices.ts';
import type { AnyLinear } from '../model/gpu/linear.ts';
import type { ModuleWeights } from '../model/gpu/ops.ts';
import { expandLinear, headSliceBytes, headSlices, storeLinear } from '../model/gpu/weights.ts';
import { assert } from '../util/errors.ts';
import { blockTensors, expandWeights, loadHeadSlice, loadWeights, storeWeights } from './load.ts';
import type { Residence } from './residence.ts';
import type { RunnableModel } from './runnable-model.ts';

/** Weights for one run; what belongs to `scope` is freed after it. */
export type Weights<T> = (scope: Scope) => Promise<T> | T;

/** The weights of each module. `onModule` is called before each that is loaded; throws to stop. */
export async function holdModules(
  gpu: Gpu,
  scope: Scope,
  model: RunnableModel,
  residence: Residence,
  onModule: (done: number) => void,
): Promise<Weights<ModuleWeights>[]> {
  assert(residence !== 'stored' || !model.quantization, `${model.name} is packed`);
  const { modules } = model.outline;
  const { source, fetch } = readAhead(model.source);
  const held: Weights<ModuleWeights>[] = [];
  for (const [i, module] of modules.entries()) {
    onModule(i);
    if (residence === 'ready') {
      const weights = await loadWeights(gpu, scope, model, module);
      held.push(() => weights);
    } else if (residence === 'stored') {
      const stored = await storeWeights(gpu, scope, model, module);
      held.push((run) => expandWeights(gpu, run, stored));
    } else {
      held.push((run) => {
        fetch(blockTensors(model, modules[i + 1]));
        return loadWeights(gpu, run, { ...model, source }, module);
      });
    }
  }
  return held;
}

/** The head in slices of the vocabulary. */
export async function holdHead(
  gpu: Gpu,
  scope: Scope,
  model: RunnableModel,
  residence: Residence,
): Promise<Weights<AnyLinear>[]> {
  const { head } = model.outline;
  const hold = async (columns: Range): Promise<Weights<AnyLinear>> => {
    if (residence === 'streamed') return (run) => loadHeadSlice(gpu, run, model, columns);
    if (residence === 'stored') {
      const stored = await storeLinear(gpu, scope, model.source, head, columns);
      return (run) => expandLinear(gpu, run, stored);
    }
    const slice = await loadHeadSlice(gpu, scope, model, columns);
    return () => slice;
  };
  const held: Weights<AnyLinear>[] = [];
  for (const columns of headSlices(head, headSliceBytes(gpu))) held.push(await hold(columns));
  return held;
}
