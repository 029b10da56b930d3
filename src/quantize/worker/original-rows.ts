import type { CalibrationRows } from '../../calibrate/rows.ts';
import type { StageContext } from '../../job/context.ts';
import { ORIGINAL_ADVICE, overflowError } from '../../model/gpu/finite-states.ts';
import type { HiddenStates } from '../../model/gpu/states/states.ts';
import type { LoadedModule } from '../../pass/loaded-module.ts';
import { type HeadModel, type Perplexity, perplexity } from '../../pass/perplexity.ts';
import { advance } from '../../pass/run-rows.ts';
import { assert } from '../../util/errors.ts';

/** What the original model makes of the first rows, for its perplexity. */
export class OriginalRows {
  readonly #context: StageContext;
  readonly #rows: CalibrationRows;
  /** What comes into the module of this number, or the head after them; and what comes out. */
  #index = 0;
  #input: HiddenStates;
  #output: HiddenStates;
  /** The module that made of finite states some that are not, in the last run. */
  #overflowing: string | undefined;

  /** @param states of as many rows each as perplexity is taken on. */
  constructor(context: StageContext, rows: CalibrationRows, states: readonly HiddenStates[]) {
    this.#context = context;
    this.#rows = rows;
    [this.#input, this.#output] = states as [HiddenStates, HiddenStates];
  }

  get states(): readonly [input: HiddenStates, output: HiddenStates] {
    return [this.#input, this.#output];
  }

  /** Runs the next module, as it is; or the last one again. */
  async run(index: number, loaded: LoadedModule, batch: number): Promise<void> {
    this.#reach(index);
    const finite = await advance(this.#context, loaded, this.#input, this.#output, batch);
    this.#overflowing = finite ? undefined : loaded.module.key;
  }

  /** After all modules. */
  async perplexity(model: HeadModel): Promise<Perplexity> {
    this.#reach(this.#context.plan.modules.length);
    return perplexity(this.#context, model, this.#input, this.#rows.ids, this.#input.rows);
  }

  #reach(index: number): void {
    if (index === this.#index + 1) {
      // Not before: it may have been run in half precision, and is run again in f32.
      if (this.#overflowing !== undefined)
        throw overflowError(this.#overflowing, 'the original model', ORIGINAL_ADVICE);
      [this.#input, this.#output] = [this.#output, this.#input];
      this.#index = index;
    }
    assert(index === this.#index, `the original is at module ${this.#index}, not ${index}`);
  }
}
