import type { QuantizerMethod } from '../gptq/method.ts';
import type { TrialEvent } from '../job/events.ts';
import { errorOf, type MeasuredCandidate } from '../measurement/measurement-json.ts';
import { describeCandidate } from '../measurement/module-candidates.ts';
import { moduleWeights } from '../model/sizes.ts';
import type { ChoiceSpec } from '../model/spec.ts';

/** What is told of a choice's candidate of this number. @param predicted it was not tried. */
export const trialEvent = (
  method: QuantizerMethod,
  choice: Pick<ChoiceSpec, 'key' | 'linears'>,
  candidate: number,
  { params, totalBits, ...measured }: MeasuredCandidate,
  predicted: boolean,
): TrialEvent => ({
  type: 'trial',
  module: choice.key,
  candidate,
  error: errorOf(method, measured),
  bitsPerWeight: totalBits / moduleWeights(choice),
  description: describeCandidate(params),
  predicted,
});
