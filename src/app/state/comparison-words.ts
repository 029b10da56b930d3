import type { Comparison } from './comparison.ts';
import type { Differences } from './differences.ts';
import type { TextView } from './text-view.ts';

/** What happens, or what came of it; empty when there is nothing to say beyond the texts. */
export function comparisonWords({ texts, running, differences }: Comparison): string {
  if (differences.value) return differenceWords(differences.value);
  if (!texts.value) return '';
  const { original, quantized } = texts.value;
  if (!running.value) return [original, quantized].some(({ state }) => state === 'stopped') ? 'Stopped.' : '';
  return quantized.state === 'waiting'
    ? stateWords('original', original)
    : stateWords('quantized model', quantized);
}

function stateWords(model: string, { state }: TextView): string {
  if (state === 'reading') return `The ${model} reads the prompt.`;
  return state === 'writing' ? `The ${model} writes.` : `Loading the ${model}.`;
}

function differenceWords({ same, equal }: Differences): string {
  if (equal && same === 0) return 'Both end the text at once.';
  if (equal) return same === 1 ? 'The one token is the same.' : `All ${same} tokens are the same.`;
  return `${partingWords(same)} Marked: what the other text does not have there.`;
}

function partingWords(same: number): string {
  if (same === 0) return 'They differ from the first token on.';
  const start = same === 1 ? 'The first token is' : `The first ${same} tokens are`;
  return `${start} the same, then they part.`;
}
