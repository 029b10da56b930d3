import type { Gpu } from '../gpu/gpu.ts';
import { withScope } from '../gpu/scope.ts';
import { forEachBatch } from '../model/batches.ts';
import { embedTokens } from '../model/embedding.ts';
import { forwardContext, runBlock } from '../model/forward.ts';
import { HiddenStates } from '../model/states.ts';
import { loadBlock } from './load.ts';
import type { EvaluatedModel } from './open-model.ts';

/** Rows of token ids, (rows, length). */
export interface TokenRows {
  readonly rows: number;
  readonly length: number;
  readonly ids: Int32Array;
}

/** Called before each of `total` equal pieces of work; throws to stop. */
export type OnStep = (done: number, total: number) => Promise<void> | void;

/**
 * Runs a model on all rows, one module at a time, so that a model larger than the GPU's memory can be run too.
 * @returns the states before the final norm; the caller frees them.
 */
export async function finalStates(
  gpu: Gpu,
  model: EvaluatedModel,
  { rows, length, ids }: TokenRows,
  onStep: OnStep = () => {},
): Promise<HiddenStates> {
  const { source, outline } = model;
  const { config, modules } = outline;
  const states = new HiddenStates(gpu, rows, length, config.hiddenSize);
  try {
    await embedTokens(gpu, source, outline, ids, [states]);
    for (const [i, module] of modules.entries()) {
      await withScope(gpu, async (scope) => {
        const { norms, linears } = await loadBlock(gpu, scope, model, module);
        const context = forwardContext(gpu, scope, config, length);
        await forEachBatch(gpu, rows, 1, async (batch, row, _, later) => {
          await onStep(i * rows + row, modules.length * rows);
          const x = states.load(batch, row, row + 1);
          later(states.store(runBlock(context, batch, module, norms, linears, x).output, row));
        });
      });
    }
    return states;
  } catch (error) {
    states.free();
    throw error;
  }
}
