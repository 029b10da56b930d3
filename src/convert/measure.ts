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
import { loadModule, passThrough } from './capture.ts';
import type { StageContext } from './context.ts';
import type { LayerRange } from './layer-range.ts';
import { measureModule } from './measure-module.ts';
import {
  type MeasuredCandidate,
  type Measurement,
  moduleFromJson,
  moduleToJson,
} from './measurement-json.ts';
import { candidatesOf } from './module-candidates.ts';
import { describeCandidate } from './optimize.ts';
import { progressReporter } from './progress.ts';

/**
 * Measures every module under every one of its candidates. Each module's reference output is the next one's input,
 * so modules that an earlier run has measured are only run forward.
 * @param layers measure these only: the ones before are run forward, the ones after are not run.
 */
export async function measure(
  stage: StageContext,
  rows: CalibrationRows,
  { first, last }: LayerRange = { first: 0, last: stage.plan.config.layers - 1 },
): Promise<Measurement> {
  const { gpu, plan, work, emit } = stage;
  const { source, fetch } = readAhead(stage.source);
  const context = { ...stage, source };
  const modules = plan.modules.filter(({ layer }) => layer <= last);
  const { hiddenSize } = plan.config;
  const isMeasured = ({ layer }: ModuleSpec) => layer >= first;
  const progress = progressReporter(context, 'measure', modules.filter(isMeasured));
  let states = new HiddenStates(gpu, rows.rows, rows.length, hiddenSize);
  let next = new HiddenStates(gpu, rows.rows, rows.length, hiddenSize);
  const measured = new Map<string, readonly MeasuredCandidate[]>();
  const earlier = await Promise.all(
    modules.map(async (module) => {
      // Before the first of the layers there is nothing to measure, only to run.
      if (!isMeasured(module)) return [];
      const json = await work.readJson(ARTEFACT.measuredModule(module.key));
      return json === undefined ? undefined : moduleFromJson(module, json);
    }),
  );
  const pending = earlier.lastIndexOf(undefined);
  try {
    if (pending >= 0) {
      await withFittingBatch(gpu, 1, 'the embedding', [states, next], () =>
        embedTokens(gpu, source, plan, rows.ids, [states]),
      );
      fetch(weightNames(modules[0]));
    }
    for (const [index, module] of modules.entries()) {
      const started = performance.now();
      progress(index, 0);
      let candidates = earlier[index];
      const resumed = candidates !== undefined;
      if (index <= pending) {
        fetch(weightNames(modules[index + 1]));
        const size = rowsPerBatch(gpu, plan, rows.length);
        candidates = await withFittingBatch(gpu, size, module.key, [states, next], (batch) =>
          candidates
            ? skipModule(context, module, states, next, batch, candidates)
            : measureModule(context, module, states, next, batch, (share) => progress(index, share)),
        );
        [states, next] = [next, states];
        if (!resumed) await work.writeJson(ARTEFACT.measuredModule(module.key), moduleToJson(candidates));
      }
      if (!isMeasured(module)) continue;
      measured.set(module.key, candidates!);
      report(context, module, candidates!, resumed);
      progress(index, 1);
      const seconds = (performance.now() - started) / 1000;
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
  candidates: MeasuredCandidate[],
): Promise<MeasuredCandidate[]> {
  await withScope(context.gpu, async (scope) => {
    await passThrough(context, await loadModule(context, scope, module, states.length), states, next, batch);
  });
  return candidates;
}

/** Reports the candidates that follow from the trials and, of a module of an earlier run, the trials too. */
function report(
  { emit, quantizer }: StageContext,
  module: ModuleSpec,
  candidates: readonly MeasuredCandidate[],
  resumed: boolean,
): void {
  const weights = moduleWeights(module);
  const tried = candidatesOf(module, quantizer.method).length;
  for (const [candidate, { accuracy, totalBits, params }] of candidates.entries()) {
    const predicted = candidate >= tried;
    if (!predicted && !resumed) continue;
    emit({
      type: 'trial',
      module: module.key,
      candidate,
      accuracy,
      bitsPerWeight: totalBits / weights,
      description: describeCandidate(params),
      predicted,
    });
  }
}
