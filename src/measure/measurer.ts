import type { CalibrationRows } from '../calibrate/rows.ts';
import { measuringNeed } from '../estimate/gpu-need.ts';
import { withScope } from '../gpu/scope.ts';
import type { ModelDirectory } from '../io/model/model-directory.ts';
import { type ReadAhead, readAhead } from '../io/model/read-ahead.ts';
import type { StageContext } from '../job/context.ts';
import type { MeasuredPart } from '../measurement/measured-part.ts';
import type { CandidateRange } from '../measurement/module-candidates.ts';
import { embedTokens } from '../model/gpu/embedding.ts';
import type { HiddenStates } from '../model/gpu/states.ts';
import { weightNames } from '../model/gpu/weights.ts';
import type { ModuleSpec } from '../model/spec.ts';
import { rowsPerBatch, withFittingBatch } from '../pass/batch-size.ts';
import { loadModule } from '../pass/loaded-module.ts';
import { newStates } from '../pass/new-states.ts';
import { measureModule } from './measure-module.ts';
import { passThrough } from './original-module.ts';

/**
 * Measures modules of one model, in any order. Each module's reference output is the next one's input, so the modules
 * in between are run forward; for one that lies behind it starts again from the embedding.
 */
export class Measurer {
  readonly #context: StageContext;
  readonly #fetch: ReadAhead<ModelDirectory>['fetch'];
  readonly #rows: CalibrationRows;
  #states: HiddenStates;
  #next: HiddenStates;
  /** Number of the module whose input the states are. */
  #position = Number.POSITIVE_INFINITY;

  constructor(stage: StageContext, rows: CalibrationRows) {
    const { source, fetch } = readAhead(stage.source);
    this.#context = { ...stage, source };
    this.#fetch = fetch;
    this.#rows = rows;
    const need = measuringNeed(stage.plan, rows, stage.quantizer);
    const [states, next] = newStates(stage, need, rows, [rows.rows, rows.rows]);
    this.#states = states!;
    this.#next = next!;
  }

  /**
   * @param progress called with the share of the work that is done, 0…1.
   * @param onForward called with the number of each module that is run forward to get to it.
   */
  async measure(
    index: number,
    range: CandidateRange,
    progress: (share: number) => void,
    onForward?: (index: number) => void,
  ): Promise<MeasuredPart> {
    await this.goTo(index, onForward);
    return this.#step((module, batch) =>
      measureModule(this.#context, module, this.#states, this.#next, batch, range, progress),
    );
  }

  /** Runs the modules before this one. @param onForward called with the number of each. */
  async goTo(index: number, onForward?: (index: number) => void): Promise<void> {
    if (this.#position > index) await this.#embed();
    while (this.#position < index) {
      onForward?.(this.#position);
      await this.#step((module, batch) => this.#skip(module, batch));
    }
  }

  async free(): Promise<void> {
    await this.#states.free();
    await this.#next.free();
  }

  async #embed(): Promise<void> {
    const { gpu, source, plan, emit } = this.#context;
    this.#fetch(weightNames(plan.modules[0]));
    const embed = () => embedTokens(gpu, source, plan, [{ ids: this.#rows.ids, states: this.#states }]);
    await withFittingBatch(gpu, 1, 'the embedding', this.#both, embed, emit);
    this.#position = 0;
  }

  /** Does the module at the position, from the states into the next ones. */
  async #step<T>(work: (module: ModuleSpec, batch: number) => Promise<T>): Promise<T> {
    const { gpu, plan, emit } = this.#context;
    const module = plan.modules[this.#position]!;
    this.#fetch(weightNames(plan.modules[this.#position + 1]));
    const size = rowsPerBatch(gpu, plan, this.#rows.length);
    const begin = (batch: number) => work(module, batch);
    const result = await withFittingBatch(gpu, size, module.key, this.#both, begin, emit);
    [this.#states, this.#next] = [this.#next, this.#states];
    this.#position++;
    return result;
  }

  async #skip(module: ModuleSpec, batch: number): Promise<void> {
    const context = this.#context;
    await withScope(context.gpu, async (scope) => {
      const loaded = await loadModule(context, scope, module, this.#rows.length);
      await passThrough(context, loaded, this.#states, this.#next, batch);
    });
  }

  get #both(): HiddenStates[] {
    return [this.#states, this.#next];
  }
}
