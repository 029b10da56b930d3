import type { CalibrationRows } from '../../calibration/rows.ts';
import { Scope, withScope } from '../../gpu/scope.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';
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
import { advance, withPrecision } from '../capture.ts';
import type { StageContext } from '../context.ts';
import { quantizingNeed } from '../gpu-need.ts';
import { HessianSums, type SumPiece } from '../hessian-sums.ts';
import { ModuleLoader } from '../module-loader.ts';
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
  /** What is to be sent: sums of a module. */
  #sums: HessianSums | undefined;
  readonly #sumScope: Scope;
  /** For two pieces on their way, in turn: new memory is slow. What was handed over is empty. */
  readonly #memory: Uint8Array<ArrayBuffer>[] = [];
  /** Linears of a module that this worker has quantized, by key: its weights as the packed tensors give them. */
  readonly #made = new Map<string, GpuTensor>();
  readonly #madeScope: Scope;
  readonly #loader: ModuleLoader;

  constructor(stage: StageContext, { ids, length }: CalibrationRows, parts: readonly RowPart[]) {
    const { source, fetch } = readAhead(stage.source);
    const [first, last] = [parts[0]!.start, parts.at(-1)!.end];
    this.#context = { ...stage, source };
    this.#fetch = fetch;
    this.#sumScope = new Scope(stage.gpu);
    this.#madeScope = new Scope(stage.gpu);
    this.#loader = new ModuleLoader(this.#context, length);
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

  /** The sums of each half that it has parts of, for the module of this number, or for the head after them. */
  async sum(index: number, mixed: boolean): Promise<readonly SumPiece[]> {
    const { gpu, plan } = this.#context;
    this.freeSums();
    this.#fetch(weightNames(plan.modules[index + 1]));
    const { key } = plan.modules[index] ?? plan.head;
    return withFittingBatch(gpu, this.#batch, key, [this.#states], (batch) =>
      this.#withInputs(index, mixed, async (source, sizes) => {
        this.freeSums();
        this.#sums = new HessianSums(gpu, this.#sumScope, key, sizes);
        await sumParts(this.#context, source, this.#states, this.#parts, batch, this.#sums);
        return this.#sums.pieces;
      }),
    );
  }

  async readSum(piece: SumPiece): Promise<Uint8Array<ArrayBuffer>> {
    assert(this.#sums, 'a helper is asked for sums that it does not have');
    const size = piece.end - piece.start;
    const used = this.#memory.length > 1 ? this.#memory.shift() : undefined;
    const bytes = used?.length === size ? used : new Uint8Array(size);
    this.#memory.push(bytes);
    await this.#sums.readPiece(piece, bytes);
    return bytes;
  }

  freeSums(): void {
    this.#sumScope.freeAll();
    this.#sums = undefined;
  }

  /** Takes over the weight (k, n) of a linear that was quantized here, to {@link advance} with. */
  keep(key: string, w: GpuTensor): void {
    const earlier = this.#made.get(key);
    if (earlier) this.#madeScope.free(earlier);
    this.#made.set(key, this.#madeScope.adopt(w));
  }

  /** Advances the states through a module whose tensors are finished. */
  async advance(index: number): Promise<void> {
    const { gpu, plan, work } = this.#context;
    const module = plan.modules[index]!;
    const file = await work.openTensors(ARTEFACT.tensors(module.key));
    assert(file, `${module.key} is not finished`);
    await withScope(gpu, async (scope) => {
      const { length } = this.#states;
      const loaded = await loadQuantized(this.#context, scope, module, file, length, this.#made);
      this.#loader.loadAhead(plan.modules[index + 1], this.#states);
      await advance(this.#context, loaded, this.#states, this.#states, this.#batch);
    });
    this.#freeMade();
  }

  async free(): Promise<void> {
    await this.#loader.free();
    this.freeSums();
    this.#freeMade();
    this.#states.free();
  }

  #freeMade(): void {
    this.#madeScope.freeAll();
    this.#made.clear();
  }

  get #batch(): number {
    return rowsPerBatch(this.#context.gpu, this.#context.plan, this.#states.length);
  }

  /** What makes the linear inputs of the module of this number, or of the head after them, and their widths. */
  async #withInputs<T>(
    index: number,
    mixed: boolean,
    work: (source: InputSource, sizes: ReturnType<typeof inputSizes>) => Promise<T>,
  ): Promise<T> {
    const { gpu, source, plan } = this.#context;
    const module = plan.modules[index];
    if (module) {
      return this.#loader.use(module, (_, loaded) =>
        work(moduleInputs(withPrecision(loaded, mixed)), inputSizes(module)),
      );
    }
    return withScope(gpu, async (scope) => {
      const norm = await loadNorm(scope, source, plan.finalNorm);
      const forward = forwardContext(gpu, scope, plan.config, this.#states.length);
      return work(headInputs(forward, norm, mixed), new Map([['postNorm', plan.head.k]]));
    });
  }
}
