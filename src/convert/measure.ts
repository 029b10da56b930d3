import type { CalibrationRows } from '../calibration/rows.ts';
import { withScope } from '../gpu/scope.ts';
import { readAhead } from '../io/read-ahead.ts';
import { embedTokens } from '../model/embedding.ts';
import type { ModuleSpec } from '../model/plan.ts';
import { moduleWeights } from '../model/sizes.ts';
import { HiddenStates } from '../model/states.ts';
import { weightNames } from '../model/weights.ts';
import { ARTEFACT } from './artefacts.ts';
import { rowsPerBatch, withFittingBatch } from './batch-size.ts';
import { advance, loadModule } from './capture.ts';
import type { StageContext } from './context.ts';
import { measureModule } from './measure-module.ts';
import type { MeasuredCandidate, Measurement } from './measurement-json.ts';
import { candidateBits, candidatesOf } from './module-candidates.ts';
import { progressReporter } from './progress.ts';

/**
 * Measures every module under every candidate of its table. Each module's reference output is the next one's input,
 * so modules that an earlier run has measured are only run forward.
 */
export async function measure(stage: StageContext, rows: CalibrationRows): Promise<Measurement> {
  const { gpu, plan, work, emit } = stage;
  const { source, fetch } = readAhead(stage.source);
  const context = { ...stage, source };
  const { modules, config } = plan;
  const progress = progressReporter(context, 'measure');
  let states = new HiddenStates(gpu, rows.rows, rows.length, config.hiddenSize);
  let next = new HiddenStates(gpu, rows.rows, rows.length, config.hiddenSize);
  const measured = new Map<string, readonly MeasuredCandidate[]>();
  const earlier = await Promise.all(
    modules.map(({ key }) => work.readJson<number[]>(ARTEFACT.measuredModule(key))),
  );
  const pending = earlier.lastIndexOf(undefined);
  try {
    if (pending >= 0) await embedTokens(source, plan, rows.ids, states);
    if (pending >= 0) fetch(weightNames(modules[0]));
    for (const [index, module] of modules.entries()) {
      const started = performance.now();
      progress(index, 0);
      let accuracies = earlier[index];
      if (index <= pending) {
        fetch(weightNames(modules[index + 1]));
        const size = rowsPerBatch(gpu, plan, rows.length);
        accuracies = await withFittingBatch(gpu, size, module.key, [states, next], (batch) =>
          accuracies
            ? skipModule(context, module, states, next, batch, accuracies)
            : measureModule(context, module, candidatesOf(module), states, next, batch, (share) =>
                progress(index, share),
              ),
        );
        [states, next] = [next, states];
        await work.writeJson(ARTEFACT.measuredModule(module.key), accuracies);
      }
      measured.set(module.key, describe(context, module, accuracies!, earlier[index] !== undefined));
      progress(index, 1);
      const seconds = (performance.now() - started) / 1000;
      const resumed = earlier[index] !== undefined;
      emit({
        type: 'module',
        stage: 'measure',
        key: module.key,
        index,
        count: modules.length,
        seconds,
        resumed,
      });
    }
  } finally {
    states.free();
    next.free();
  }
  return { modules: measured };
}

/** Advances the states through a module that an earlier run has measured. */
async function skipModule(
  context: StageContext,
  module: ModuleSpec,
  states: HiddenStates,
  next: HiddenStates,
  batch: number,
  accuracies: number[],
): Promise<number[]> {
  await withScope(context.gpu, async (scope) => {
    await advance(context, await loadModule(context, scope, module, states.length), states, next, batch);
  });
  return accuracies;
}

/** The measured candidates of a module; those of an earlier run are reported now. */
function describe(
  { emit }: StageContext,
  module: ModuleSpec,
  accuracies: readonly number[],
  report: boolean,
): MeasuredCandidate[] {
  const weights = moduleWeights(module);
  return candidatesOf(module).map((params, candidate) => {
    const accuracy = accuracies[candidate]!;
    const totalBits = candidateBits(module, params);
    const bitsPerWeight = totalBits / weights;
    if (report) emit({ type: 'trial', module: module.key, candidate, accuracy, bitsPerWeight });
    return { accuracy, totalBits, params };
  });
}
