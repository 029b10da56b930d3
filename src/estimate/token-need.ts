import type { RowShape } from '../calibrate/rows.ts';
import type { ModelPlan } from '../model/spec.ts';

/**
 * Calibration tokens for each input of a linear, below which GPTQ fits the tokens that it sees more closely than the
 * model: with two, 3-bit weights of a 256-input linear err more on other text than rounded ones do; with four,
 * clearly less.
 */
const TOKENS_PER_INPUT = 4;

/** Tokens that suffice to quantize every linear of the model with. */
export function neededTokens({ modules, head }: ModelPlan): number {
  const linears = [...modules.flatMap((module) => module.linears), head];
  return TOKENS_PER_INPUT * Math.max(...linears.map(({ k }) => k));
}

/** What to warn of when the rows to quantize with are fewer; undefined when they suffice. */
export function tooFewTokensWarning(plan: ModelPlan, { rows, length }: RowShape): string | undefined {
  const needed = neededTokens(plan);
  if (rows * length >= needed) return undefined;
  return (
    `${rows} rows of ${length} tokens to quantize with are fewer than ${TOKENS_PER_INPUT} tokens for each of the ` +
    `${needed / TOKENS_PER_INPUT} inputs of the model's widest linear: the weights will fit this text more closely ` +
    `than the model, and err more on other text. Take ${needed} tokens or more, by more or longer rows ` +
    '(--dataset_rows, --length) or the standard preset.'
  );
}
