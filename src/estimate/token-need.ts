import type { RowShape } from '../calibrate/rows.ts';
import { tokenShare } from '../model/sizes.ts';
import { MODULE_INPUT, type ModelPlan } from '../model/spec.ts';

/**
 * Calibration tokens for each input of a linear, below which GPTQ fits the tokens that it sees more closely than the
 * model: with two, 3-bit weights of a 256-input linear err more on other text than rounded ones do; with four,
 * clearly less.
 */
const TOKENS_PER_INPUT = 4;
/** The same, below which an expert's is no better than rounding its weights. */
const EXPERT_TOKENS_PER_INPUT = 2;

/** Tokens that suffice to quantize every linear of the model with, where experts get equally many. */
export function neededTokens({ modules, head }: ModelPlan): number {
  const inputs = modules.flatMap((module) =>
    module.linears.map(({ k, input }) => (input === MODULE_INPUT ? k : k / tokenShare(module))),
  );
  return Math.ceil(TOKENS_PER_INPUT * Math.max(...inputs, head.k));
}

/**
 * What to tell of experts that calibration hardly reached; undefined where there are none.
 * @param tokens of each expert, by the key of its layer's choice.
 */
export function fewExpertTokensWarning(
  { choices }: ModelPlan,
  tokens: ReadonlyMap<string, readonly number[]>,
): string | undefined {
  const layers = choices.flatMap(({ key, layer, linears }) => {
    const counts = tokens.get(key) ?? [];
    const needed =
      EXPERT_TOKENS_PER_INPUT * Math.max(...linears.map(({ k, input }) => (input === MODULE_INPUT ? 0 : k)));
    const few = counts.filter((count) => count < needed);
    return few.length > 0 ? [{ layer, few, needed, of: counts.length }] : [];
  });
  const [worst] = layers.toSorted((a, b) => b.few.length - a.few.length);
  if (!worst) return undefined;
  return (
    `In ${layers.length === 1 ? 'one layer' : `${layers.length} layers`} some experts saw fewer calibration tokens than ${EXPERT_TOKENS_PER_INPUT} for each input of their ` +
    `down projection (${worst.needed}), most of all in layer ${worst.layer}: ${worst.few.length} of ${worst.of} experts, the ` +
    `least ${Math.min(...worst.few)} tokens. These fit the few tokens more closely than the model. Take more rows ` +
    '(--dataset_rows), or text more like what the model is for.'
  );
}

/** What to warn of when the rows to quantize with are fewer; undefined when they suffice. */
export function tooFewTokensWarning(plan: ModelPlan, { rows, length }: RowShape): string | undefined {
  const needed = neededTokens(plan);
  if (rows * length >= needed) return undefined;
  const widest = Math.max(
    ...[...plan.modules.flatMap(({ linears }) => linears), plan.head].map(({ k }) => k),
  );
  const part = plan.config.experts ? ', of which an expert gets a part' : '';
  return (
    `${rows} rows of ${length} tokens to quantize with are fewer than ${TOKENS_PER_INPUT} tokens for each of the ` +
    `${widest} inputs of the model's widest linear${part}: the weights will fit this text more closely ` +
    `than the model, and err more on other text. Take ${needed} tokens or more, by more or longer rows ` +
    '(--dataset_rows, --length) or the standard preset.'
  );
}
