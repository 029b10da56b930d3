import type { CalibrationRows } from '../../calibrate/rows.ts';
import { quantizingNeed } from '../../estimate/gpu-need.ts';
import { Scope, withScope } from '../../gpu/scope.ts';
import type { ModelDirectory } from '../../io/model/model-directory.ts';
import { type ReadAhead, readAhead } from '../../io/model/read-ahead.ts';
import { ARTEFACT } from '../../job/artefacts.ts';
import type { StageContext } from '../../job/context.ts';
import { embedTokens } from '../../model/gpu/embedding.ts';
import { overflowError, QUANTIZED_ADVICE } from '../../model/gpu/finite-states.ts';
import type { HiddenStates } from '../../model/gpu/states.ts';
import {
  type LinearWeight,
  loadNorm,
  loadSlices,
  type NormWeight,
  weightNames,
} from '../../model/gpu/weights.ts';
import { inputSizes } from '../../model/sizes.ts';
import type { LinearSpec } from '../../model/spec.ts';
import { rowsPerBatch, withFittingBatch } from '../../pass/batch-size.ts';
import { type LoadedModule, withPrecision } from '../../pass/loaded-module.ts';
import { ModuleLoader } from '../../pass/module-loader.ts';
import { newStates } from '../../pass/new-states.ts';
import { packedTensorsOf, takePackedWeight } from '../../pass/packed-module.ts';
import type { Perplexity } from '../../pass/perplexity.ts';
import { advance, headSource, moduleSource, type RowsSource } from '../../pass/run-rows.ts';
import { HessianSums, type SumPiece } from '../../pass/sums/hessian-sums.ts';
import type { RowPart } from '../../pass/sums/row-parts.ts';
import { sumRowParts } from '../../pass/sums/sum-rows.ts';
import { OriginalRows } from '../../quantize/original-rows.ts';
import type { HostTensor } from '../../tensor/dtype.ts';
import { assert } from '../../util/errors.ts';
import { PIECES_UNDER_WAY } from '../leader/api.ts';

/** A module with its weights, from its sums until the rows have advanced through it. */
interface HeldModule {
  readonly index: number;
  readonly scope: Scope;
  readonly loaded: LoadedModule;
  /** Names of the linears that are quantized: their weights are the rebuilt ones. */
  readonly replaced: Set<string>;
}

/** A worker's rows of the quantization pass, and their states; maybe the original model's too. */
export class WorkerRows {
  readonly #context: StageContext;
  readonly #fetch: ReadAhead<ModelDirectory>['fetch'];
  readonly #rows: CalibrationRows;
  readonly #ids: Int32Array;
  readonly #states: HiddenStates;
  readonly #original: OriginalRows | undefined;
  /** Counted from the first of its rows. */
  readonly #parts: readonly RowPart[];
  /** What is to be sent: sums of a module. */
  #sums: HessianSums | undefined;
  readonly #sumScope: Scope;
  /** For pieces on their way, in turn: new memory is slow. What was handed over is empty. */
  readonly #memory: Uint8Array<ArrayBuffer>[] = [];
  readonly #loader: ModuleLoader;
  /** Rows that have fitted so far; in the midst of an advance it is too late to take fewer. */
  #batch: number;
  #held: HeldModule | undefined;

  /** @param originalRows of the first rows it has the original model's states of so many, if any. */
  constructor(stage: StageContext, rows: CalibrationRows, parts: readonly RowPart[], originalRows: number) {
    const { source, fetch } = readAhead(stage.source);
    const { ids, length } = rows;
    const [first, last] = [parts[0]!.start, parts.at(-1)!.end];
    this.#context = { ...stage, source };
    this.#fetch = fetch;
    this.#sumScope = new Scope(stage.gpu);
    this.#loader = new ModuleLoader(this.#context, length);
    this.#batch = rowsPerBatch(stage.gpu, stage.plan, length);
    this.#rows = rows;
    this.#ids = ids.subarray(first * length, last * length);
    // Its share of the linears is no more than what the leader quantizes.
    const need = quantizingNeed(stage.plan, { rows: last - first, length }, stage.quantizer);
    const counts = originalRows > 0 ? [originalRows, originalRows] : [];
    const [states, ...original] = newStates(stage, need, { length }, [last - first, ...counts]);
    this.#states = states!;
    this.#original = originalRows > 0 ? new OriginalRows(this.#context, rows, original) : undefined;
    this.#parts = parts.map(({ start, end, half }) => ({ start: start - first, end: end - first, half }));
  }

  async start(): Promise<void> {
    const { gpu, source, plan } = this.#context;
    this.#fetch(weightNames(plan.modules[0]));
    const original = this.#original?.states.slice(0, 1).map((states) => ({ ids: this.#rows.ids, states }));
    const targets = [{ ids: this.#ids, states: this.#states }, ...(original ?? [])];
    await withFittingBatch(gpu, 1, 'the embedding', this.#allStates, () =>
      embedTokens(gpu, source, plan, targets),
    );
  }

  /** The sums of each half that it has parts of, for the module of this number, or for the head after them. */
  async sum(index: number, mixed: boolean): Promise<readonly SumPiece[]> {
    const { gpu, plan } = this.#context;
    this.freeSums();
    const { key } = plan.modules[index] ?? plan.head;
    return this.#withBatch(key, (batch) =>
      this.#withInputs(index, mixed, async (source, sizes) => {
        this.freeSums();
        this.#sums = new HessianSums(gpu, this.#sumScope, key, sizes);
        await sumRowParts(this.#context, source, this.#states, this.#parts, batch, this.#sums);
        return this.#sums.pieces;
      }),
    );
  }

  async readSum(piece: SumPiece): Promise<Uint8Array<ArrayBuffer>> {
    assert(this.#sums, 'a worker is asked for sums that it does not have');
    const size = piece.end - piece.start;
    const used = this.#memory.length >= PIECES_UNDER_WAY ? this.#memory.shift() : undefined;
    const bytes = used?.length === size ? used : new Uint8Array(size);
    this.#memory.push(bytes);
    await this.#sums.readPiece(piece, bytes);
    return bytes;
  }

  freeSums(): void {
    this.#sumScope.freeAll();
    this.#sums = undefined;
  }

  /** Runs the original model's rows through a module. */
  async runOriginal(index: number, mixed: boolean): Promise<void> {
    const original = this.#ownOriginal;
    await this.#withBatch(this.#context.plan.modules[index]!.key, async (batch) => {
      const { loaded } = await this.#hold(index);
      await original.run(index, withPrecision(loaded, mixed), batch);
    });
  }

  /** The original model's, after all modules. */
  async originalPerplexity(mixed: boolean): Promise<Perplexity> {
    const { gpu, source, plan } = this.#context;
    const original = this.#ownOriginal;
    return this.#withBatch('the head', () =>
      this.#withHead(async (scope, norm) => {
        const head = await loadSlices(gpu, scope, source, plan.head);
        return original.perplexity({ mixed, norm, head });
      }),
    );
  }

  /** Whether the module of this number is loaded. */
  holds(index: number): boolean {
    return this.#held?.index === index;
  }

  /** Replaces the weight of a linear of the module that is loaded. @returns its packed tensors. */
  async replace(
    { name }: LinearSpec,
    make: (
      scope: Scope,
      weight: LinearWeight,
    ) => Promise<{ rebuilt: LinearWeight; tensors: readonly HostTensor[] }>,
  ): Promise<readonly HostTensor[]> {
    const { scope, loaded, replaced } = this.#held!;
    replaced.add(name);
    const { rebuilt, tensors } = await make(scope, loaded.linears.get(name)!);
    loaded.linears.set(name, rebuilt);
    return tensors;
  }

  /** Puts the weight that packed tensors stand for in place of a linear's. */
  async takeLinear(index: number, name: string, tensors: readonly HostTensor[]): Promise<void> {
    assert(this.#held && this.holds(index), `a worker is given ${name} of a module that it does not hold`);
    this.#held.replaced.add(name);
    const { scope, loaded } = this.#held;
    const linear = loaded.module.linears.find((each) => each.name === name)!;
    await takePackedWeight(this.#context, scope, loaded, linear, tensors);
  }

  /** Advances the states through a module; what is missing of its weights is in the work directory. */
  async advance(index: number, mixed: boolean): Promise<void> {
    const { plan, work } = this.#context;
    const module = plan.modules[index]!;
    this.freeSums();
    if (!this.holds(index)) await this.#hold(index);
    const { loaded, replaced } = this.#held!;
    for (const linear of module.linears.filter(({ name }) => !replaced.has(name))) {
      const file = await work.openTensors(ARTEFACT.tensors(module.key));
      assert(file, `${module.key} is not finished`);
      await this.takeLinear(index, linear.name, await packedTensorsOf(file, linear));
    }
    this.#loader.loadAhead(plan.modules[index + 1], this.#states);
    const precise = withPrecision(loaded, mixed);
    const finite = await advance(this.#context, precise, this.#states, this.#states, this.#batch);
    this.#release();
    if (!finite) throw overflowError(module.key, 'the quantized model', QUANTIZED_ADVICE);
  }

  async free(): Promise<void> {
    await this.#loader.free();
    this.#release();
    this.freeSums();
    for (const states of this.#allStates) states.free();
  }

  get #allStates(): HiddenStates[] {
    return [this.#states, ...(this.#original?.states ?? [])];
  }

  get #ownOriginal(): OriginalRows {
    assert(this.#original, 'a worker is asked for the original model, which another one runs');
    return this.#original;
  }

  #withBatch<T>(what: string, work: (batch: number) => Promise<T>): Promise<T> {
    return withFittingBatch(this.#context.gpu, this.#batch, what, this.#allStates, (batch) => {
      this.#batch = batch;
      return work(batch);
    });
  }

  /** The module as it is; it is loaded again where linears have been replaced. */
  async #hold(index: number): Promise<HeldModule> {
    if (this.#held && this.holds(index) && this.#held.replaced.size === 0) return this.#held;
    const { modules } = this.#context.plan;
    if (!this.holds(index)) this.#fetch(weightNames(modules[index + 1]));
    this.#release();
    const taken = await this.#loader.take(modules[index]!);
    this.#held = { index, ...taken, replaced: new Set() };
    return this.#held;
  }

  #release(): void {
    this.#held?.scope.freeAll();
    this.#held = undefined;
  }

  /** What makes the linear inputs of the module of this number, or of the head after them, and their widths. */
  async #withInputs<T>(
    index: number,
    mixed: boolean,
    work: (source: RowsSource, sizes: ReturnType<typeof inputSizes>) => Promise<T>,
  ): Promise<T> {
    const { gpu, plan } = this.#context;
    const { head } = plan;
    const module = plan.modules[index];
    if (module) {
      const { loaded } = await this.#hold(index);
      return work(moduleSource(withPrecision(loaded, mixed)), inputSizes(module));
    }
    return this.#withHead((_, norm) =>
      work(headSource(gpu, head, norm, mixed), new Map([[head.input, head.k]])),
    );
  }

  #withHead<T>(work: (scope: Scope, norm: NormWeight) => Promise<T>): Promise<T> {
    const { gpu, source, plan } = this.#context;
    return withScope(gpu, async (scope) => work(scope, await loadNorm(scope, source, plan.finalNorm)));
  }
}
