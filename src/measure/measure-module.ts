import { withScope } from '../gpu/scope.ts';
import type { StageContext } from '../job/context.ts';
import type { RowError } from '../kernels/row_sums/token_errors.ts';
import type { MeasuredPart } from '../measurement/measured-part.ts';
import { accuracyOf, type MeasuredError } from '../measurement/measurement-json.ts';
import { type CandidateRange, candidateBits, candidatesOf } from '../measurement/module-candidates.ts';
import type { HiddenStates } from '../model/gpu/states/states.ts';
import type { ModuleSpec } from '../model/spec.ts';
import { loadModule } from '../pass/loaded-module.ts';
import { tokenError, wholeRowError } from '../pass/relative-error.ts';
import { finerSettingsOfPart } from './join-parts.ts';
import { captureHessians } from './original-module.ts';
import { quantizeTrials } from './quantize-trials.ts';
import { trialEvent } from './trial-event.ts';
import { runTrials } from './trials.ts';

/** More than any candidate errs by. */
const WORST_ERROR = 1e6;

/**
 * Tries candidates on one module: runs it as it is (into `reference`), quantizes each linear once for each distinct
 * setting, and compares the module's output under every candidate with the reference.
 * @param range the candidates to try, of {@link candidatesOf}.
 * @param progress called with the share of the work that is done, 0…1.
 */
export async function measureModule(
  context: StageContext,
  module: ModuleSpec,
  states: HiddenStates,
  reference: HiddenStates,
  batch: number,
  { from, to }: CandidateRange,
  progress: (share: number) => void,
): Promise<MeasuredPart> {
  const { gpu, quantizer } = context;
  const all = candidatesOf(module, quantizer.method);
  const candidates = all.slice(from, to);
  return withScope(gpu, async (scope) => {
    const loaded = await loadModule(context, scope, module, states.length);
    const { trials, losses, precise, summaries } = await withScope(gpu, async (factorScope) => {
      const captured = await captureHessians(
        context,
        factorScope,
        loaded,
        states,
        reference,
        batch,
        from === 0,
      );
      progress(0.1);
      const tried = await quantizeTrials(
        context,
        scope,
        loaded,
        factorScope,
        captured.factors,
        candidates,
        (linear) => finerSettingsOfPart(linear, all, { from, to }),
        (share) => progress(0.1 + 0.4 * share),
      );
      return { ...tried, precise: captured.loaded, summaries: captured.summaries };
    });
    const measured = (rows: readonly RowError[]): MeasuredError => ({
      accuracy: accuracyOf(orWorst(wholeRowError(rows))),
      ...(quantizer.method === 'refined' && { tokenError: orWorst(tokenError(rows)) }),
    });
    const onTrial = (candidate: number, rows: readonly RowError[]) => {
      const params = candidates[candidate]!;
      const tried = { ...measured(rows), params, totalBits: candidateBits(module, params) };
      // Of modules that are chosen together, all have to be measured first.
      if (module.choice === module.key)
        context.emit(trialEvent(quantizer.method, module, from + candidate, tried, false));
    };
    const errors = await runTrials(context, precise, trials, states, reference, batch, onTrial, (share) =>
      progress(0.5 + 0.5 * share),
    );
    const hessians = await summaries;
    return { from, to, errors: errors.map(measured), losses, ...(hessians && { hessians }) };
  });
}

/** The module as it is gives finite states; a candidate with which it does not is as wrong as can be. */
const orWorst = (error: number): number => (Number.isFinite(error) ? error : WORST_ERROR);
