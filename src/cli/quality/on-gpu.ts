import { compareTokens } from '../../evaluate/compare-models.ts';
import { evaluateModel } from '../../evaluate/evaluate.ts';
import type { OnStep } from '../../evaluate/final-states.ts';
import { type Metrics, summarize } from '../../evaluate/metrics.ts';
import type { TokenRows } from '../../evaluate/token-statistics.ts';
import { openGpu } from '../../gpu/device.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { KeptStates } from '../../inference/kept-states.ts';
import type { RunnableModel } from '../../runnable/runnable-model.ts';
import { type Card, openCard } from '../cards.ts';
import { budgetFor } from '../gpu-memory.ts';

/** The GPU that models are compared on. */
export interface EvaluationGpu {
  readonly card: Card | undefined;
  /** Part of the adapter's name, where no card was chosen. */
  readonly name: string | undefined;
  readonly budgetBytes: number | undefined;
}

/** An original that has been run on the rows, and its perplexity. */
export interface RunOriginal {
  readonly states: KeptStates;
  readonly perplexity: number;
}

/** Each time on a new device: conversions in between have the memory for themselves. */
async function onGpu<T>(
  { card, name, budgetBytes }: EvaluationGpu,
  work: (gpu: Gpu) => Promise<T>,
): Promise<T> {
  const opened = await openCard(card, name);
  const { bytes } = await budgetFor(opened, budgetBytes);
  const gpu = await openGpu(opened.adapter, bytes);
  try {
    return await work(gpu);
  } finally {
    gpu.destroy();
  }
}

export const runOriginal = (
  on: EvaluationGpu,
  model: RunnableModel,
  rows: TokenRows,
  onStep: OnStep,
): Promise<RunOriginal> =>
  onGpu(on, async (gpu) => {
    const states = await KeptStates.run(gpu, model, rows, onStep);
    const own = await states.on(gpu);
    try {
      const tokens = await compareTokens(gpu, own, own, rows, onStep);
      return { states, perplexity: summarize(tokens, rows.rows, rows.length).perplexity.reference };
    } finally {
      await own.states.free();
    }
  });

/** How `model` differs from the original. */
export const compareWith = (
  on: EvaluationGpu,
  { states }: RunOriginal,
  model: RunnableModel,
  onStep: OnStep,
): Promise<Metrics> =>
  onGpu(on, async (gpu) => {
    const original = await states.on(gpu);
    try {
      return await evaluateModel(gpu, original, model, states.rows, onStep);
    } finally {
      await original.states.free();
    }
  });
