import type { CalibrationRows } from '../../calibration/rows.ts';
import { withScope } from '../../gpu/scope.ts';
import type { ModelDirectory } from '../../io/model-directory.ts';
import { type ReadAhead, readAhead } from '../../io/read-ahead.ts';
import { embedTokens } from '../../model/embedding.ts';
import { forwardContext } from '../../model/forward.ts';
import { inputSizes } from '../../model/sizes.ts';
import type { HiddenStates } from '../../model/states.ts';
import { loadNorm, weightNames } from '../../model/weights.ts';
import { assert } from '../../util/errors.ts';
import { ARTEFACT } from '../artefacts.ts';
import { rowsPerBatch, withFittingBatch } from '../batch-size.ts';
import { advance, loadModule, withPrecision } from '../capture.ts';
import type { StageContext } from '../context.ts';
import { quantizingNeed } from '../gpu-need.ts';
import { type HalfSum, HessianSums, type SumBytes } from '../hessian-sums.ts';
import { newStates } from '../new-states.ts';
import { loadQuantized } from '../packed-module.ts';
import type { RowPart } from '../row-parts.ts';
import { headInputs, type InputSource, moduleInputs, sumParts } from '../sum-rows.ts';

/** A helper's rows of the quantization pass, and their states. */
export class HelperRows {
  readonly #context: StageContext;
  readonly #fetch: ReadAhead<ModelDirectory>['fetch'];
  readonly #ids: Int32Array;
  readonly #states: HiddenStates;
  /** Counted from the first of its rows. */
  readonly #parts: readonly RowPart[];
  /** Of the sums that were sent last of each half: new memory is slow. What was handed over is empty. */
  readonly #sent: SumBytes[] = [new Map(), new Map()];

  constructor(stage: StageContext, { ids, length }: CalibrationRows, parts: readonly RowPart[]) {
    const { source, fetch } = readAhead(stage.source);
    const [first, last] = [parts[0]!.start, parts.at(-1)!.end];
    this.#context = { ...stage, source };
    this.#fetch = fetch;
    this.#ids = ids.subarray(first * length, last * length);
    // Its share of the linears is no more than what the leader quantizes.
    const need = quantizingNeed(stage.plan, { rows: last - first, length }, stage.quantizer);
    this.#states = newStates(stage, need, { length }, [last - first])[0]!;
    this.#parts = parts.map(({ start, end, half }) => ({ start: start - first, end: end - first, half }));
  }

  async start(): Promise<void> {
    const { gpu, source, plan } = this.#context;
    this.#fetch(weightNames(plan.modules[0]));
    await withFittingBatch(gpu, 1, 'the embedding', [this.#states], () =>
      embedTokens(gpu, source, plan, this.#ids, [this.#states]),
    );
  }

  /** The sum of each half that it has parts of, for the module of this number, or for the head after them. */
  async sum(index: number, mixed: boolean): Promise<HalfSum[]> {
    const { gpu, plan } = this.#context;
    this.#fetch(weightNames(plan.modules[index + 1]));
    const { key } = plan.modules[index] ?? plan.head;
    return withFittingBatch(gpu, this.#batch, key, [this.#states], (batch) =>
      withScope(gpu, async (scope) => {
        const { source, sizes } = await this.#inputs(scope, index, mixed);
        const sums = new HessianSums(gpu, scope, key, sizes);
        const halves: HalfSum[] = [];
        for (const half of new Set(this.#parts.map((part) => part.half))) {
          sums.clear();
          // Of this half alone, so the first total takes it.
          const parts = this.#parts.filter((part) => part.half === half).map((p) => ({ ...p, half: 0 }));
          await sumParts(this.#context, source, this.#states, parts, batch, sums);
          const totals = await sums.readAll(this.#sent[half]);
          this.#sent[half] = new Map([...this.#sent[half]!, ...totals]);
          halves.push({ half, sums: totals });
        }
        return halves;
      }),
    );
  }

  /** Advances the states through a module whose tensors are finished. */
  async advance(index: number): Promise<void> {
    const { gpu, plan, work } = this.#context;
    const module = plan.modules[index]!;
    const file = await work.openTensors(ARTEFACT.tensors(module.key));
    assert(file, `${module.key} is not finished`);
    await withScope(gpu, async (scope) => {
      const loaded = await loadQuantized(this.#context, scope, module, file, this.#states.length);
      await advance(this.#context, loaded, this.#states, this.#states, this.#batch);
    });
  }

  free(): void {
    this.#states.free();
  }

  get #batch(): number {
    return rowsPerBatch(this.#context.gpu, this.#context.plan, this.#states.length);
  }

  async #inputs(
    scope: Parameters<typeof loadNorm>[0],
    index: number,
    mixed: boolean,
  ): Promise<{ source: InputSource; sizes: ReturnType<typeof inputSizes> }> {
    const { gpu, source, plan } = this.#context;
    const { length } = this.#states;
    const module = plan.modules[index];
    if (module) {
      const loaded = await loadModule(this.#context, scope, module, length);
      return { source: moduleInputs(withPrecision(loaded, mixed)), sizes: inputSizes(module) };
    }
    const norm = await loadNorm(scope, source, plan.finalNorm);
    const forward = forwardContext(gpu, scope, plan.config, length);
    return { source: headInputs(forward, norm), sizes: new Map([['postNorm', plan.head.k]]) };
  }
}
