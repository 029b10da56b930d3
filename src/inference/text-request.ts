import type { SamplingOptions } from './sampling.ts';

/** A prompt, and how it is to be continued. */
export interface TextRequest extends SamplingOptions {
  readonly prompt: string;
  /** Tokens to add at most. */
  readonly maxTokens: number;
  readonly seed: number;
}

/** Why a text ended: the model ended it, it is as long as was asked, or the model's context is full. */
export type TextEnd = 'model' | 'length' | 'context';
