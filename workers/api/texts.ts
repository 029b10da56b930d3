/** What page and workers say to each other about texts: a prompt that the original and an output continue. */

import type { LikelyToken } from '../../src/inference/likely-tokens.ts';
import type { TextEnd } from '../../src/inference/text-request.ts';
import type { Residence } from '../../src/runnable/residence.ts';
import type { ModelFacts } from './model.ts';

/** Which of a job's models writes. */
export type TextSide = 'original' | 'quantized';

/** What a model tells while it continues a prompt. */
export type TextEvent =
  /** Modules on the GPU; it reads the prompt when all are there. */
  | { readonly type: 'loading'; readonly done: number; readonly total: number }
  /** Where its weights are, before they are loaded. */
  | { readonly type: 'placed'; readonly residence: Residence }
  /** Modules that the run under way has gone through; only where they are streamed, as else it takes no time. */
  | { readonly type: 'run'; readonly done: number; readonly total: number }
  | {
      readonly type: 'token';
      readonly id: number;
      readonly text: string;
      /** What could have stood here, the likeliest first. */
      readonly likely: readonly LikelyToken[];
    }
  /** Of the prompt in seconds, of the tokens since in tokens a second (0 before the second one). */
  | { readonly type: 'speed'; readonly promptSeconds: number; readonly tokensPerSecond: number }
  | { readonly type: 'ended'; readonly end: TextEnd }
  /** It does not write, or not on; the other one does. */
  | { readonly type: 'failed'; readonly name: string; readonly message: string };

export interface TextUpdate {
  readonly side: TextSide;
  readonly events: readonly TextEvent[];
}

/** A comlink proxy; called at most ten times a second. */
export type TextListener = (update: TextUpdate) => Promise<void> | void;

/** Bytes of an original's weights where they are multiplied by: all of them in f32. */
export const readyBytes = ({ running, hiddenSize, vocabSize, parameters }: ModelFacts): number =>
  4 * (running ? running.weights + hiddenSize * vocabSize : parameters);

/** Where an original's weights are likely to be; what it is in the end is told when it is opened. */
export function expectedResidence(model: ModelFacts, gpuBudgetBytes: number): Residence {
  if (readyBytes(model) <= gpuBudgetBytes) return 'ready';
  const largest = 4 * Math.max(...model.modules.map(({ weights }) => weights));
  return model.bytes + largest <= gpuBudgetBytes ? 'stored' : 'streamed';
}
