import type { ModelStates } from '../evaluate/compare-models.ts';
import { finalStates, type OnStep } from '../evaluate/final-states.ts';
import { statesOf } from '../evaluate/states-of.ts';
import type { TokenRows } from '../evaluate/token-statistics.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { RunnableModel } from '../runnable/runnable-model.ts';

/** A model with what it made of some rows, in main memory: it need not be run again on another device. */
export class KeptStates {
  readonly model: RunnableModel;
  readonly rows: TokenRows;
  /** Of each row, (length, hidden). */
  readonly #states: readonly Float32Array<ArrayBuffer>[];

  private constructor(model: RunnableModel, rows: TokenRows, states: readonly Float32Array<ArrayBuffer>[]) {
    this.model = model;
    this.rows = rows;
    this.#states = states;
  }

  /** Runs the model on the rows. */
  static async run(gpu: Gpu, model: RunnableModel, rows: TokenRows, onStep?: OnStep): Promise<KeptStates> {
    const states = await finalStates(gpu, model, rows, onStep);
    try {
      const kept: Float32Array<ArrayBuffer>[] = [];
      for (let row = 0; row < rows.rows; row++) kept.push(await states.readRow(row));
      return new KeptStates(model, rows, kept);
    } finally {
      await states.free();
    }
  }

  /** For comparisons on this device; the caller frees the states. */
  async on(gpu: Gpu): Promise<ModelStates> {
    const { hiddenSize } = this.model.outline.config;
    const states = await statesOf(gpu, this.rows, hiddenSize, (row) => this.#states[row]!);
    return { model: this.model, states };
  }
}
