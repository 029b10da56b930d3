import type { TellShortage } from '../gpu/enough-memory.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { RunnableModel } from '../runnable/runnable-model.ts';
import { compareTokens, type ModelStates } from './compare-models.ts';
import { finalStates, type OnStep } from './final-states.ts';
import { type Metrics, summarize } from './metrics.ts';
import type { TokenRows } from './token-statistics.ts';

/** Runs `model` on the rows and compares it with the reference, which has been run on the same. */
export async function evaluateModel(
  gpu: Gpu,
  reference: ModelStates,
  model: RunnableModel,
  rows: TokenRows,
  onStep?: OnStep,
  tell?: TellShortage,
): Promise<Metrics> {
  const states = await finalStates(gpu, model, rows, onStep, tell);
  try {
    const tokens = await compareTokens(gpu, reference, { model, states }, rows, onStep, tell);
    return summarize(tokens, rows.rows, rows.length);
  } finally {
    await states.free();
  }
}
