import { type TellShortage, withEnoughMemory } from '../gpu/enough-memory.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { withScope } from '../gpu/scope.ts';
import { readAhead } from '../io/model/read-ahead.ts';
import { runModule } from '../model/forward.ts';
import { forEachBatch } from '../model/gpu/batches.ts';
import { embedTokens } from '../model/gpu/embedding.ts';
import { areFinite, overflowError } from '../model/gpu/finite-states.ts';
import { forwardContext, GpuOps } from '../model/gpu/ops.ts';
import { routeTokens } from '../model/gpu/routing.ts';
import { HiddenStates } from '../model/gpu/states/states.ts';
import { StatesRoom } from '../model/gpu/states/states-room.ts';
import { keepsInputs } from '../model/sizes.ts';
import { blockTensors, loadWeights } from '../runnable/load.ts';
import type { RunnableModel } from '../runnable/runnable-model.ts';
import type { TokenRows } from './token-statistics.ts';

const OVERFLOW_ADVICE =
  'The model is broken as it is, or config.json is of another one: compare the checksums of its files with those on its page.';

/** Called before each of `total` equal pieces of work; throws to stop. */
export type OnStep = (done: number, total: number) => Promise<void> | void;

/**
 * Runs a model on all rows, one module at a time, so that a model larger than the GPU's memory can be run too. Where that
 * is short it begins again, with all states in main memory.
 * @returns the states before the final norm; the caller frees them.
 * @throws NumericalError that names the module where they are not finite any more.
 */
export function finalStates(
  gpu: Gpu,
  model: RunnableModel,
  rows: TokenRows,
  onStep: OnStep = () => {},
  tell?: TellShortage,
): Promise<HiddenStates> {
  const room = new StatesRoom();
  const request = { what: `a run of ${model.name}`, movable: [room], tell };
  return withEnoughMemory(gpu, request, () => runOnce(gpu, model, rows, onStep, room));
}

async function runOnce(
  gpu: Gpu,
  model: RunnableModel,
  { rows, length, ids }: TokenRows,
  onStep: OnStep,
  room: StatesRoom,
): Promise<HiddenStates> {
  const { outline } = model;
  const { source, fetch } = readAhead(model.source);
  const ahead = { ...model, source };
  const { config, modules } = outline;
  const kept = room.of(undefined);
  const options = { keepsInputs: keepsInputs(outline), ...(kept !== undefined && { room: kept }) };
  const states = gpu.memory.allOrNone(() => new HiddenStates(gpu, rows, length, config.hiddenSize, options));
  try {
    fetch(blockTensors(model, modules[0]));
    await embedTokens(gpu, source, outline, [{ ids, states }]);
    for (const [i, module] of modules.entries()) {
      fetch(blockTensors(model, modules[i + 1]));
      await withScope(gpu, async (scope) => {
        const weights = await loadWeights(gpu, scope, ahead, module);
        const context = forwardContext(gpu, scope, outline, length);
        await forEachBatch(gpu, rows, 1, async (batch, row, _, defer) => {
          await onStep(i * rows + row, modules.length * rows);
          const input = await states.loadInput(batch, row, row + 1);
          const routing = await routeTokens(context, batch, weights, module, input.x);
          const output = runModule(new GpuOps(context, batch, weights, routing), module, input);
          defer(states.store(output, row, module.keepsInput ? input.x : output));
          defer(
            areFinite(gpu, batch, output, 1).then((finite) => {
              if (!finite) throw overflowError(module.key, model.name, OVERFLOW_ADVICE);
            }),
          );
        });
      });
    }
    return states;
  } catch (error) {
    await states.free();
    throw error;
  }
}
