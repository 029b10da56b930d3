/** What page and workers say to each other about texts: a prompt that the original and an output continue. */

import type { LikelyToken } from '../../src/inference/likely-tokens.ts';
import type { TextEnd } from '../../src/inference/text-request.ts';

/** Which of a job's models writes. */
export type TextSide = 'original' | 'quantized';

/** What a model tells while it continues a prompt. */
export type TextEvent =
  /** Modules on the GPU; it reads the prompt when all are there. */
  | { readonly type: 'loading'; readonly done: number; readonly total: number }
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
