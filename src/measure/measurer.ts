import type { CalibrationRows } from '../calibrate/rows.ts';
import { measuringNeed, measuringPartNeed } from '../estimate/gpu-need.ts';
import { withScope } from '../gpu/scope.ts';
import type { ModelDirectory } from '../io/model/model-directory.ts';
import { type ReadAhead, readAhead } from '../io/model/read-ahead.ts';
import type { StageContext } from '../job/context.ts';
import type { MeasuredPart } from '../measurement/measured-part.ts';
import type { CandidateRange } from '../measurement/module-candidates.ts';
import { embedTokens } from '../model/gpu/embedding.ts';
import type { HiddenStates } from '../model/gpu/states/states.ts';
import { weightNames } from '../model/gpu/weights.ts';
import type { ModuleSpec } from '../model/spec.ts';
import { rowsPerBatch, withFittingBatch } from '../pass/batch-size.ts';
import { loadModule } from '../pass/loaded-module.ts';
import { newStates } from '../pass/new-states.ts';
import { asOnePart } from './join-parts.ts';
import { measureModule } from './measure-module.ts';
import { passThrough } from './original-module.ts';

/** What is done with a module: `states` are what comes into it, `next` what comes out. */
type Step<T> = (module: ModuleSpec, batch: number, states: HiddenStates, next: HiddenStates) => Promise<T>;

/**
 * Measures modules of one model, in any order. Each module's reference output is the next one's input, so the modules
 * in between are run forward; for one that lies behind it starts again from the embedding.
 */
export class Measurer {
  readonly #context: StageContext;
  readonly #fetch: ReadAhead<ModelDirectory>['fetch'];
  readonly #rows: CalibrationRows;
  /** Of the module at the position, and of the next one; from when they are first needed. */
  #both: readonly HiddenStates[] = [];
  /** Rows that have fitted so far. */
  #batch = Number.POSITIVE_INFINITY;
  /** Number of the module whose input the states are. */
  #position = Number.POSITIVE_INFINITY;

  constructor(stage: StageContext, rows: CalibrationRows) {
    const { source, fetch } = readAhead(stage.source);
    this.#context = { ...stage, source };
    this.#fetch = fetch;
    this.#rows = rows;
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
    return this.#step(async (module, batch, states, next) => {
      const parts: MeasuredPart[] = [];
      for (let from = range.from; from < range.to; from = parts.at(-1)!.to) {
        const part = this.#fittingPart(module, { from, to: range.to }, batch);
        const all = range.to - range.from;
        const onShare = (share: number) => progress((from - range.from + share * (part.to - from)) / all);
        parts.push(await measureModule(this.#context, module, states, next, batch, part, onShare));
      }
      return asOnePart(parts);
    });
  }

  /** The first candidates of these: as many as there is memory to try together, as each has its versions of all linears. */
  #fittingPart(module: ModuleSpec, { from, to }: CandidateRange, batch: number): CandidateRange {
    const { gpu, plan, quantizer } = this.#context;
    const { rows, length } = this.#rows;
    const shape = { rows, length: length * Math.min(rows, batch) };
    const fits = (end: number) =>
      measuringPartNeed(plan, module, shape, quantizer, { from, to: end }) <= gpu.memory.available;
    let end = to;
    while (end > from + 1 && !fits(end)) end = from + Math.ceil((end - from) / 2);
    return { from, to: end };
  }

  /** Runs the modules before this one. @param onForward called with the number of each. */
  async goTo(index: number, onForward?: (index: number) => void): Promise<void> {
    if (this.#position > index) await this.#embed();
    while (this.#position < index) {
      onForward?.(this.#position);
      await this.#step((...step) => this.#skip(...step));
    }
  }

  async free(): Promise<void> {
    for (const states of this.#both) await states.free();
  }

  async #embed(): Promise<void> {
    const { gpu, source, plan, quantizer } = this.#context;
    const rows = this.#rows;
    this.#fetch(weightNames(plan.modules[0]));
    if (this.#both.length === 0) {
      const need = measuringNeed(plan, rows, quantizer);
      this.#both = await newStates(this.#context, need, rows, [rows.rows, rows.rows]);
    }
    await withFittingBatch(this.#context, 1, 'the embedding', this.#both, () =>
      embedTokens(gpu, source, plan, [{ ids: rows.ids, states: this.#both[0]! }]),
    );
    this.#position = 0;
  }

  /** Does the module at the position, from the states into the next ones. */
  async #step<T>(work: Step<T>): Promise<T> {
    const { gpu, plan } = this.#context;
    const module = plan.modules[this.#position]!;
    this.#fetch(weightNames(plan.modules[this.#position + 1]));
    const size = Math.min(this.#batch, rowsPerBatch(gpu, plan, this.#rows.length));
    const [states, next] = this.#both as [HiddenStates, HiddenStates];
    const result = await withFittingBatch(this.#context, size, module.key, this.#both, (batch) => {
      this.#batch = batch;
      return work(module, batch, states, next);
    });
    this.#both = [next, states];
    this.#position++;
    return result;
  }

  async #skip(module: ModuleSpec, batch: number, states: HiddenStates, next: HiddenStates): Promise<void> {
    const context = this.#context;
    await withScope(context.gpu, async (scope) => {
      const loaded = await loadModule(context, scope, module, this.#rows.length);
      await passThrough(context, loaded, states, next, batch);
    });
  }
}
