import type { Comparison } from './comparison.ts';
import type { Parting } from './parting.ts';
import type { TextView } from './text-view.ts';

/** What happens, or what came of it; empty when there is nothing to say beyond the texts. */
export function comparisonWords({ texts, running, parting }: Comparison): string {
  if (parting.value) return partingWords(parting.value);
  if (!texts.value) return '';
  const { original, quantized } = texts.value;
  if (!running.value) return [original, quantized].some(({ state }) => state === 'stopped') ? 'Stopped.' : '';
  return isOver(original) || (isBegun(quantized) && !isOver(quantized))
    ? stateWords('quantized model', quantized)
    : stateWords('original', original);
}

const isBegun = ({ state }: TextView): boolean => state !== 'waiting';
const isOver = ({ state }: TextView): boolean => state === 'ended' || state === 'failed';

function stateWords(model: string, { state }: TextView): string {
  if (state === 'reading') return `The ${model} reads the prompt.`;
  return state === 'writing' ? `The ${model} writes.` : `Loading the ${model}.`;
}

export function partingWords({ same, equal, original, quantized }: Parting): string {
  if (equal && same === 0) return 'Both end the text at once.';
  if (equal) return same === 1 ? 'The one token is the same.' : `All ${same} tokens are the same.`;
  const ended = original.own ? quantized.own === undefined && 'quantized model' : 'original';
  const parts = ended ? `then the ${ended} ends the text` : 'then they part';
  if (same === 0)
    return ended ? `The ${ended} ends the text at once.` : 'They differ from the first token on.';
  return `The first ${same === 1 ? 'token is' : `${same} tokens are`} the same, ${parts}.`;
}
