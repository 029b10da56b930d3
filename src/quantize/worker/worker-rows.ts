import type { CalibrationRows } from '../../calibrate/rows.ts';
import { quantizingNeed } from '../../estimate/gpu-need.ts';
import { isReadAhead } from '../../estimate/memory-need.ts';
import { freeTriangle } from '../../gpu/matrix/triangle.ts';
import { Scope } from '../../gpu/scope.ts';
import type { ModelDirectory } from '../../io/model/model-directory.ts';
import { type ReadAhead, readAhead } from '../../io/model/read-ahead.ts';
import type { StageContext } from '../../job/context.ts';
import { embedTokens } from '../../model/gpu/embedding.ts';
import { overflowError, QUANTIZED_ADVICE } from '../../model/gpu/finite-states.ts';
import type { HiddenStates } from '../../model/gpu/states/states.ts';
import { weightNames } from '../../model/gpu/weights.ts';
import { inputSizes } from '../../model/sizes.ts';
import type { InputKey } from '../../model/spec.ts';
import { withFittingBatch } from '../../pass/batch-size.ts';
import { type LoadedModule, withPrecision } from '../../pass/loaded-module.ts';
import { ModuleLoader } from '../../pass/module-loader.ts';
import { newStates } from '../../pass/new-states.ts';
import type { Perplexity } from '../../pass/perplexity.ts';
import { advance, headSource, moduleSource, type RowsSeen, runRows } from '../../pass/run-rows.ts';
import { HessianSums } from '../../pass/sums/hessian-sums.ts';
import type { RowPart } from '../../pass/sums/row-parts.ts';
import { sumRowParts } from '../../pass/sums/sum-rows.ts';
import { byteLength } from '../../tensor/dtype.ts';
import { assert } from '../../util/errors.ts';
import { HeldHead } from './held-head.ts';
import { HeldModules } from './held-modules.ts';
import { OriginalRows } from './original-rows.ts';
import { WorkerLinears } from './worker-linears.ts';

/** What a worker has of a pass. */
export interface RowsShare {
  /** Of the rows: those that it sums, maybe none. */
  readonly parts: readonly RowPart[];
  /** It runs the original model on so many of the first rows: 0 where another worker does. */
  readonly originalRows: number;
  /** It looks at what becomes of so many of the first rows: 0 where another worker does. */
  readonly firstRows: number;
}

/** Rows first … last − 1 are those that it needs the states of. */
const rangeOf = ({ parts, firstRows }: RowsShare): { first: number; last: number } => ({
  first: firstRows > 0 ? 0 : (parts[0]?.start ?? 0),
  last: Math.max(firstRows, parts.at(-1)?.end ?? 0),
});

/**
 * A worker's side of the quantization pass, the leader's as any other's: its rows and their states, the weights that
 * they run through, and what it quantizes linears with. Modules go by their number; the head comes after them.
 */
export class WorkerRows {
  /** What the quantized modules so far have made of its rows; changed in place. */
  readonly quantized: HiddenStates;
  /** What a module as it is makes of the first of them. */
  readonly expected: HiddenStates;
  readonly modules: HeldModules;
  readonly head: HeldHead;
  readonly linears: WorkerLinears;
  readonly #context: StageContext;
  readonly #fetch: ReadAhead<ModelDirectory>['fetch'];
  readonly #rows: CalibrationRows;
  readonly #ids: Int32Array;
  /** Counted from the first of its rows. */
  readonly #parts: readonly RowPart[];
  readonly #original: OriginalRows | undefined;
  readonly #loader: ModuleLoader;
  readonly #sumScope: Scope;
  #sums: HessianSums | undefined;
  readonly #sumMemory = new Map<InputKey, Uint8Array<ArrayBuffer>>();

  static async open(stage: StageContext, rows: CalibrationRows, share: RowsShare): Promise<WorkerRows> {
    const { originalRows, firstRows } = share;
    const { first, last } = rangeOf(share);
    // Of the linears too it has a share: no more than all of them.
    const shape = { rows: firstRows || last - first, length: rows.length };
    const need = quantizingNeed(stage.plan, shape, stage.quantizer);
    const counts = [last - first, firstRows, originalRows, originalRows];
    return new WorkerRows(stage, rows, share, await newStates(stage, need, rows, counts));
  }

  private constructor(
    stage: StageContext,
    rows: CalibrationRows,
    share: RowsShare,
    [quantized, expected, ...original]: readonly HiddenStates[],
  ) {
    const { source, fetch } = readAhead(stage.source);
    const { ids, length } = rows;
    const { first, last } = rangeOf(share);
    this.#context = { ...stage, source };
    this.#fetch = fetch;
    this.#rows = rows;
    this.#ids = ids.subarray(first * length, last * length);
    this.#parts = share.parts.map(({ start, end, half }) => ({
      start: start - first,
      end: end - first,
      half,
    }));
    this.#loader = new ModuleLoader(this.#context, length);
    this.modules = new HeldModules(this.#context, this.#loader);
    this.head = new HeldHead(this.#context, length);
    this.linears = new WorkerLinears(this.#context, this.modules, this.head);
    this.#sumScope = new Scope(stage.gpu);
    this.quantized = quantized!;
    this.expected = expected!;
    this.#original = share.originalRows > 0 ? new OriginalRows(this.#context, rows, original) : undefined;
  }

  /** All that it has: see {@link withFittingBatch}. */
  get states(): HiddenStates[] {
    return [this.quantized, this.expected, ...(this.#original?.states ?? [])];
  }

  get hasOriginal(): boolean {
    return this.#original !== undefined;
  }

  /** Of the module that they were begun for last. */
  get sums(): HessianSums {
    assert(this.#sums, 'there are no sums');
    return this.#sums;
  }

  /** Embeds its rows. */
  async start(): Promise<void> {
    const { gpu, source, plan } = this.#context;
    if (this.quantized.rows === 0) return;
    this.#fetch(this.#namesAt(0));
    const original = this.#original?.states.slice(0, 1).map((states) => ({ ids: this.#rows.ids, states }));
    const targets = [{ ids: this.#ids, states: this.quantized }, ...(original ?? [])];
    await withFittingBatch(this.#context, 1, 'the embedding', this.states, () =>
      embedTokens(gpu, source, plan, targets),
    );
  }

  /** Loads what makes the inputs of a module's linears or of the head, and makes room for the sums of these. */
  async beginSums(index: number, inputs: readonly InputKey[]): Promise<HessianSums> {
    const { gpu, plan } = this.#context;
    this.freeSums();
    this.linears.free();
    const module = plan.modules[index];
    if (module) await this.#load(index);
    else await this.#loadHead();
    const { key } = module ?? plan.head;
    const widths = inputSizes(module ?? { linears: [plan.head] });
    const sizes = new Map(inputs.map((input) => [input, widths.get(input)!]));
    this.#sums = new HessianSums(gpu, this.#sumScope, key, sizes, this.#sumMemory);
    return this.#sums;
  }

  /** Sums its parts of the rows, as begun for the same module. @param seen sees these, and all of the first rows. */
  async sum(index: number, mixed: boolean, batch: number, seen?: RowsSeen): Promise<void> {
    const { gpu, plan } = this.#context;
    const source = plan.modules[index]
      ? moduleSource(withPrecision(await this.#load(index), mixed))
      : headSource(gpu, plan.head, await this.head.norm(), mixed);
    await sumRowParts(this.#context, source, this.quantized, this.#parts, batch, this.sums, seen);
    const rest = { start: this.#parts.at(-1)!.end, end: this.quantized.rows };
    if (seen) await runRows(this.#context, source, this.quantized, rest, batch, seen);
  }

  freeSums(): void {
    this.#sumScope.freeAll();
    this.#sums = undefined;
  }

  /** Runs the original model's rows through a module. */
  async runOriginal(index: number, mixed: boolean, batch: number): Promise<void> {
    const original = this.#ownOriginal;
    await original.run(index, withPrecision(await this.#load(index), mixed), batch);
  }

  /** The original model's, after all modules. */
  async originalPerplexity(mixed: boolean): Promise<Perplexity> {
    const original = this.#ownOriginal;
    return original.perplexity({ mixed, norm: await this.head.norm(), head: this.head.slices });
  }

  /** Makes what is expected of the first rows, where no sums are made on the way. */
  async makeExpected(index: number, mixed: boolean, batch: number): Promise<void> {
    const loaded = withPrecision(await this.#load(index), mixed);
    await advance(this.#context, loaded, this.quantized, this.expected, batch);
  }

  /** Factors its sums, which are of all rows, for some inputs; all of them are used up. */
  async factorSums(index: number, inputs: ReadonlySet<InputKey>, rows: number): Promise<void> {
    for (const [input, sum] of this.sums.sums) {
      if (inputs.has(input)) await this.linears.factor(index, input, this.#sumScope, sum, rows);
      else freeTriangle(this.#sumScope, sum);
    }
  }

  /** Advances the states through a module; what is missing of its quantized linears is in the work directory. */
  async advance(index: number, mixed: boolean, batch: number, seen?: Pick<RowsSeen, 'ran'>): Promise<void> {
    const { plan } = this.#context;
    const { key } = plan.modules[index]!;
    this.freeSums();
    this.linears.free();
    if (!this.modules.holds(index)) await this.#load(index);
    await this.modules.complete(index);
    this.#loader.loadAhead(plan.modules[index + 1], this.quantized);
    const loaded = withPrecision(this.modules.current(index), mixed);
    const finite = await advance(this.#context, loaded, this.quantized, this.quantized, batch, seen);
    this.release();
    if (!finite) throw overflowError(key, 'the quantized model', QUANTIZED_ADVICE);
  }

  /** Frees all but the states, and what is loaded ahead. */
  release(): void {
    this.modules.release();
    this.head.release();
    this.freeSums();
    this.linears.free();
  }

  async free(): Promise<void> {
    this.release();
    await this.#loader.free();
    for (const states of this.states) await states.free();
  }

  get #ownOriginal(): OriginalRows {
    assert(this.#original, 'a worker is asked for the original model, which another one runs');
    return this.#original;
  }

  /** The module as it is. */
  #load(index: number): Promise<LoadedModule> {
    if (!this.modules.holds(index)) this.#fetch(this.#namesAt(index + 1));
    return this.modules.original(index);
  }

  async #loadHead(): Promise<void> {
    await this.head.norm();
    if (this.#quantizesHead) await this.head.weight();
  }

  /** The large tensors of a module or the head, worth reading ahead. */
  #namesAt(index: number): string[] {
    const { source, plan } = this.#context;
    const { modules, head } = plan;
    if (index < modules.length) return weightNames(modules[index]);
    const whole = isReadAhead(byteLength(source.requireInfo(head.weight)));
    return this.#quantizesHead && whole ? [head.weight] : [];
  }

  /** It is quantized where the first rows are. */
  get #quantizesHead(): boolean {
    return this.expected.rows > 0;
  }
}
