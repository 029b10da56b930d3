import type { QuantizerMethod } from '../gptq/method.ts';
import type { TrialEvent } from '../job/events.ts';
import { errorOf, type MeasuredCandidate } from '../measurement/measurement-json.ts';
import { describeCandidate } from '../measurement/module-candidates.ts';
import { moduleWeights } from '../model/sizes.ts';
import type { ModuleSpec } from '../model/spec.ts';

/** What is told of a module's candidate of this number. @param predicted it was not tried. */
export const trialEvent = (
  method: QuantizerMethod,
  module: ModuleSpec,
  candidate: number,
  { params, totalBits, ...measured }: MeasuredCandidate,
  predicted: boolean,
): TrialEvent => ({
  type: 'trial',
  module: module.key,
  candidate,
  error: errorOf(method, measured),
  bitsPerWeight: totalBits / moduleWeights(module),
  description: describeCandidate(params),
  predicted,
});
