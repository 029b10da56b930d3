import type { CalibrationRows, RowShape } from '../calibrate/rows.ts';
import { RemoteRows } from '../distribute/leader/remote-rows.ts';
import type { RemoteWorker, WorkerPool } from '../distribute/leader/worker-pool.ts';
import { quantizingNeed } from '../estimate/gpu-need.ts';
import { passingRows } from '../estimate/work-estimate.ts';
import type { Scope } from '../gpu/scope.ts';
import type { StageContext } from '../job/context.ts';
import { triangleSize } from '../kernels/hessian/add_triangle.ts';
import type { RowError } from '../kernels/row_sums/token_errors.ts';
import { embedTokens } from '../model/gpu/embedding.ts';
import { overflowError, QUANTIZED_ADVICE } from '../model/gpu/finite-states.ts';
import type { HiddenStates } from '../model/gpu/states.ts';
import { inputSizes } from '../model/sizes.ts';
import type { InputKey, LinearSpec, ModelPlan, ModuleSpec } from '../model/spec.ts';
import { withFittingBatch } from '../pass/batch-size.ts';
import { inputsFit, rowsRoundToHalf, withFittingPrecision } from '../pass/half-precision.ts';
import type { LoadedModule } from '../pass/loaded-module.ts';
import { ModuleLoader } from '../pass/module-loader.ts';
import { newStates } from '../pass/new-states.ts';
import type { HeadModel, Perplexity } from '../pass/perplexity.ts';
import { noteErrors, relativeError } from '../pass/relative-error.ts';
import { advance, type ModuleRun, type RowsSeen, type RowsSource, runRows } from '../pass/run-rows.ts';
import { HessianSums } from '../pass/sums/hessian-sums.ts';
import { type RowPart, rowParts, shareParts } from '../pass/sums/row-parts.ts';
import { sumRowParts } from '../pass/sums/sum-rows.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import { OutOfMemoryError } from '../util/errors.ts';
import { together } from '../util/together.ts';
import { OriginalRows } from './original-rows.ts';

/** Memory ran out while states were changed in place: the pass has to start again from what is finished. */
export class SpoiledStatesError extends Error {
  override readonly name = 'SpoiledStatesError';
  readonly batch: number;

  constructor({ message }: OutOfMemoryError, batch: number) {
    super(message);
    this.batch = batch;
  }
}

/** What is summed, by its number among the modules; after them comes the head. */
interface SumRequest {
  readonly index: number;
  readonly key: string;
  readonly sizes: ReadonlyMap<InputKey, number>;
  source(mixed: boolean): RowsSource;
  readonly seen?: RowsSeen;
  /** Has the original model go on, with these sums' precision: see {@link RowsPass.runOriginal}. */
  original(mixed: boolean): Promise<unknown>;
}

/**
 * Bytes a second at which another worker's sums come to be added: read back, written, read and written by two processes, a
 * piece after the other (an H200 and a virtual machine's memory, 2026-11-23). Several workers send at once, but how fast
 * the leader takes that was not measured.
 */
const SUM_BYTES_PER_SECOND = 2.5e9;

/** Whether running rows takes longer than sending their sums. @param senders other workers that would have rows. */
function sharingPays(plan: ModelPlan, rows: RowShape, speeds: readonly number[], senders: number): boolean {
  const together = speeds.reduce((a, b) => a + b, 0);
  const saved = passingRows(plan, rows) * (1 / speeds[0]! - 1 / together);
  const bytes = plan.modules.reduce(
    (sum, module) => [...inputSizes(module).values()].reduce((all, k) => all + 4 * triangleSize(k), sum),
    0,
  );
  return saved > (senders * bytes) / SUM_BYTES_PER_SECOND;
}

/** The states of the quantization pass, shared by rows among the pool. The leader has the first ones. */
export class RowsPass {
  /** What the quantized modules so far have made of the leader's rows; changed in place. */
  readonly quantized: HiddenStates;
  /** What a module makes of the first of them as it is. */
  readonly expected: HiddenStates;
  readonly #context: StageContext;
  readonly #pool: WorkerPool;
  readonly #rows: CalibrationRows;
  readonly #parts: readonly RowPart[];
  readonly #remoteRows: RemoteRows;
  /** On as many of the first rows perplexity is taken. */
  readonly #firstRows: number;
  /** Undefined where another worker has them. */
  readonly #original: OriginalRows | undefined;
  #originalRun: Promise<unknown> = Promise.resolve();
  readonly #sumMemory = new Map<InputKey, Uint8Array<ArrayBuffer>>();
  readonly #loader: ModuleLoader;

  /** @param firstRows as many rows as perplexity and errors are taken on. */
  constructor(context: StageContext, pool: WorkerPool, rows: CalibrationRows, firstRows: number) {
    const { remotes, leader } = pool;
    const speeds = [leader, ...remotes].map(({ speed }) => speed);
    const alone = [leader.speed, ...remotes.map(() => 0)];
    const parts = rowParts(rows.rows);
    const shared = shareParts(parts, speeds);
    const senders = shared.slice(1).filter(({ length }) => length > 0).length;
    const pays = sharingPays(context.plan, rows, speeds, senders);
    const [own, ...others] = pays ? shared : shareParts(parts, alone);
    this.#context = context;
    this.#pool = pool;
    this.#rows = rows;
    this.#parts = own!;
    this.#loader = new ModuleLoader(context, rows.length);
    this.#remoteRows = new RemoteRows(remotes.map((worker, i) => ({ worker, parts: others[i]! })));
    const count = Math.min(firstRows, rows.rows);
    const need = quantizingNeed(context.plan, { rows: count, length: rows.length }, context.quantizer);
    const counts = [Math.max(count, own!.at(-1)!.end), count];
    const hasOriginal = this.#remoteRows.isEmpty;
    const states = newStates(context, need, rows, hasOriginal ? [...counts, count, count] : counts);
    const [quantized, expected, ...original] = states;
    this.quantized = quantized!;
    this.expected = expected!;
    this.#firstRows = count;
    this.#original = hasOriginal ? new OriginalRows(context, rows, original) : undefined;
  }

  get states(): HiddenStates[] {
    return [this.quantized, this.expected, ...(this.#original?.states ?? [])];
  }

  /** The others may come to it later. */
  async start(): Promise<void> {
    const { gpu, source, plan } = this.#context;
    const { ids } = this.#rows;
    this.#remoteRows.begin(this.#firstRows);
    const embedded = [this.quantized, ...(this.#original?.states.slice(0, 1) ?? [])];
    const targets = embedded.map((states) => ({ ids, states }));
    await withFittingBatch(gpu, 1, 'the embedding', this.states, () =>
      embedTokens(gpu, source, plan, targets),
    );
  }

  /** Runs `work` with a module's weights, which belong to `scope`. */
  withModule<T>(module: ModuleSpec, work: (scope: Scope, loaded: LoadedModule) => Promise<T>): Promise<T> {
    return this.#loader.use(module, work);
  }

  /** Asks the others for the sums of a module that {@link sum} will want, before its weights are here. */
  expectSums(index: number, key: string): void {
    this.#remoteRows.expectSums({ index, key, mixed: this.#mixed });
  }

  /** Sums xᵀx of all rows; the squares and totals belong to `scope`. */
  async sum(
    scope: Scope,
    batch: number,
    request: SumRequest,
  ): Promise<{ sums: HessianSums; mixed: boolean }> {
    const { gpu } = this.#context;
    const sums = new HessianSums(gpu, scope, request.key, request.sizes, this.#sumMemory);
    const mixed = await withFittingPrecision(
      this.#mixed,
      (half) => this.#sumWith(sums, batch, request, half),
      () => inputsFit(gpu, sums.squares),
    );
    return { sums, mixed };
  }

  /**
   * Runs the original model's rows through a module as it is, with the precision that its inputs allow. A worker that
   * does it is waited for in {@link advance}.
   */
  async runOriginal(index: number, loaded: LoadedModule, batch: number): Promise<void> {
    if (this.#original) return this.#original.run(index, loaded, batch);
    const { module, forward } = loaded;
    this.#originalRun = this.#remoteRows.runOriginal({ index, key: module.key, mixed: forward.mixed });
    this.#originalRun.catch(() => {});
  }

  /** The original model's, after all modules. */
  originalPerplexity(model: HeadModel): Promise<Perplexity> {
    return this.#original?.perplexity(model) ?? this.#remoteRows.originalPerplexity(model.mixed);
  }

  /** Gives a linear that is quantized, by another worker or here, to those that advance rows with it. */
  give(index: number, linear: LinearSpec, tensors: readonly HostTensor[], maker?: RemoteWorker): void {
    this.#remoteRows.give(index, linear, tensors, maker);
  }

  /**
   * Advances everyone's states through a module whose linears are quantized. Workers take what they were not given
   * from the work directory.
   * @returns the relative error of the first rows.
   */
  async advance(index: number, loaded: LoadedModule, batch: number): Promise<number> {
    const { key } = loaded.module;
    const errors: RowError[] = [];
    const others = this.#remoteRows.advance({ index, key, mixed: loaded.forward.mixed });
    others.catch(() => {}); // thrown when it is awaited
    this.#loader.loadAhead(this.#context.plan.modules[index + 1], this.quantized);
    const ran = (run: ModuleRun) => noteErrors(this.#context.gpu, run, this.expected, errors);
    const own = advance(this.#context, loaded, this.quantized, this.quantized, batch, { ran });
    const told = own.catch((error) => {
      throw error instanceof OutOfMemoryError ? new SpoiledStatesError(error, batch) : error;
    });
    const finite = await this.#pool.leader.during(`advances ${key}`, () => told);
    if (!finite) throw overflowError(key, 'the quantized model', QUANTIZED_ADVICE);
    await Promise.all([others, this.#originalRun]);
    return relativeError(this.#context.quantizer.method, errors);
  }

  async free(): Promise<void> {
    await this.#loader.free();
    for (const each of this.states) each.free();
  }

  /** The same for all workers, though each runs other numbers of rows together. */
  get #mixed(): boolean {
    return rowsRoundToHalf(this.#context.gpu, this.#rows.length);
  }

  async #sumWith(sums: HessianSums, batch: number, request: SumRequest, mixed: boolean): Promise<void> {
    const { index, key, seen } = request;
    const source = request.source(mixed);
    sums.clear();
    const own = this.#pool.leader.during(`runs ${key}`, async () => {
      const { quantized } = this;
      await sumRowParts(this.#context, source, quantized, this.#parts, batch, sums, seen);
      const rest = { start: this.#parts.at(-1)!.end, end: quantized.rows };
      if (seen) await runRows(this.#context, source, quantized, rest, batch, seen);
    });
    const added = this.#remoteRows.addSums(sums, { index, key, mixed });
    const isHere = this.#original !== undefined;
    const original = (isHere ? own : added).then(() => request.original(mixed));
    original.catch(() => {}); // thrown where it is awaited
    await together(isHere ? [added, original] : [added, own]);
    sums.finish();
  }
}
