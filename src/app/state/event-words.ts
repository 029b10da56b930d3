import type { ModelFacts } from '../../../workers/api/model.ts';
import type { ConvertEvent, ModuleEvent, StageEvent } from '../../job/events.ts';
import { STAGE_TITLES } from '../../job/stages.ts';
import { formatDuration } from '../../util/text/duration.ts';
import { formatBits, formatBytes, formatPercent } from '../format.ts';
import { capitalized, inWords } from '../module-words.ts';

/** What the log says of an event; undefined for those that come too often to be read. */
export function eventWords(event: ConvertEvent, model: ModelFacts): string | undefined {
  switch (event.type) {
    case 'stage':
      return stageWords(event);
    case 'module':
      return moduleWords(event, model);
    case 'allocation':
      return `Allocated ${event.bitsPerWeight.toFixed(4)} bpw, largest error ${formatPercent(event.maxError)} %`;
    case 'perplexity':
      return `Perplexity of the ${event.model} model: ${event.value.toFixed(3)} on ${event.tokens} tokens`;
    case 'warning':
    case 'adjustment':
      return event.message;
    case 'output':
      return `Written: ${formatBytes(event.bytes)} in ${event.files.length} files, ${formatBits(event.bitsPerWeight)} bpw`;
    default:
      return undefined;
  }
}

function stageWords({ stage, state, seconds }: StageEvent): string {
  const took = seconds === undefined ? '' : `, ${formatDuration(seconds)}`;
  const words = { started: 'started', done: `done${took}`, reused: 'taken from earlier' };
  return `${STAGE_TITLES[stage]}: ${words[state]}`;
}

function moduleWords(
  { stage, key, rfnError, bitsPerWeight, seconds, resumed }: ModuleEvent,
  model: ModelFacts,
): string {
  const title = capitalized(inWords(model, key));
  const took = resumed ? 'finished earlier' : formatDuration(seconds);
  if (stage === 'measure') return `${title} measured, ${took}`;
  const bits = bitsPerWeight === undefined ? '' : ` to ${formatBits(bitsPerWeight)} bpw`;
  const error = rfnError === undefined ? '' : `, error ${formatPercent(rfnError)} %`;
  return `${title} quantized${bits}${error}, ${took}`;
}
