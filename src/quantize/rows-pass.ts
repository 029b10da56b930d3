import type { CalibrationRows, RowShape } from '../calibrate/rows.ts';
import { type Pieces, RemoteRows } from '../distribute/leader/remote-rows.ts';
import type { WorkerPool } from '../distribute/leader/worker-pool.ts';
import { passingRows } from '../estimate/work-estimate.ts';
import { triangleSize } from '../gpu/matrix/panels.ts';
import type { StageContext } from '../job/context.ts';
import type { RowError } from '../kernels/row_sums/token_errors.ts';
import { inputSizes } from '../model/sizes.ts';
import type { InputKey, ModelPlan } from '../model/spec.ts';
import { inputsFit, rowsRoundToHalf, withFittingPrecision } from '../pass/half-precision.ts';
import type { Perplexity } from '../pass/perplexity.ts';
import { noteErrors, relativeError } from '../pass/relative-error.ts';
import type { ModuleRun, RowsSeen } from '../pass/run-rows.ts';
import type { HessianSums } from '../pass/sums/hessian-sums.ts';
import { rowParts, shareParts } from '../pass/sums/row-parts.ts';
import { assert, OutOfMemoryError } from '../util/errors.ts';
import { together } from '../util/together.ts';
import { WorkerRows } from './worker/worker-rows.ts';

/** Memory ran out while states were changed in place: the pass has to start again from what is finished. */
export class SpoiledStatesError extends Error {
  override readonly name = 'SpoiledStatesError';
  readonly batch: number;

  constructor({ message }: OutOfMemoryError, batch: number) {
    super(message);
    this.batch = batch;
  }
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

/**
 * The quantization pass as its leader conducts it: which worker has which rows, all sums added, and everyone's rows
 * advanced. The leader has the first rows.
 */
export class RowsPass {
  /** The leader's own side. */
  readonly own: WorkerRows;
  readonly others: RemoteRows;
  readonly #context: StageContext;
  readonly #pool: WorkerPool;
  readonly #length: number;
  /** The original model's way through a module, or its perplexity, of whoever has it. */
  #original: Promise<Perplexity | undefined> = Promise.resolve(undefined);

  /** @param firstRows as many rows as perplexity and errors are taken on. */
  static async open(
    context: StageContext,
    pool: WorkerPool,
    rows: CalibrationRows,
    firstRows: number,
  ): Promise<RowsPass> {
    const { remotes, leader } = pool;
    const speeds = [leader, ...remotes].map(({ speed }) => speed);
    const alone = [leader.speed, ...remotes.map(() => 0)];
    const parts = rowParts(rows.rows);
    const shared = shareParts(parts, speeds);
    const senders = shared.slice(1).filter(({ length }) => length > 0).length;
    const pays = sharingPays(context.plan, rows, speeds, senders);
    const [own, ...others] = pays ? shared : shareParts(parts, alone);
    const count = Math.min(firstRows, rows.rows);
    const remote = new RemoteRows(
      context.plan,
      remotes.map((worker, i) => ({ worker, parts: others[i]! })),
      count,
    );
    const originalRows = remote.isEmpty ? count : 0;
    const share = { parts: own!, originalRows, firstRows: count };
    return new RowsPass(context, pool, rows.length, remote, await WorkerRows.open(context, rows, share));
  }

  private constructor(
    context: StageContext,
    pool: WorkerPool,
    length: number,
    others: RemoteRows,
    own: WorkerRows,
  ) {
    this.#context = context;
    this.#pool = pool;
    this.#length = length;
    this.others = others;
    this.own = own;
  }

  /** The others may come to it later. */
  async start(): Promise<void> {
    this.others.begin();
    await this.own.start();
  }

  /**
   * Sums xᵀx of all rows, for these inputs of the module of this number or of the head after them, and has the original
   * model go on.
   * @param seen sees the leader's rows.
   * @returns the leader's sums, and whether products rounded to half precision.
   */
  async sum(
    index: number,
    inputs: readonly InputKey[],
    batch: number,
    seen?: RowsSeen,
  ): Promise<{ sums: HessianSums; mixed: boolean }> {
    const { gpu } = this.#context;
    // The same for all workers, though each runs other numbers of rows together.
    const most = rowsRoundToHalf(gpu, this.#length);
    // They are asked before the leader's weights are here.
    const first = this.others.sum(index, inputs, most);
    const sums = await this.own.beginSums(index, inputs);
    const mixed = await withFittingPrecision(
      most,
      (half) => {
        const pieces = half === most ? first : this.others.sum(index, inputs, half);
        return this.#sumAll(sums, pieces, index, half, batch, seen);
      },
      () => inputsFit(gpu, sums.sums),
    );
    return { sums, mixed };
  }

  /**
   * Has the original model go through a module as it is, with this precision, or give its perplexity after them. Another
   * worker that does it is waited for in {@link advance} or {@link originalPerplexity}.
   */
  async runOriginal(index: number, mixed: boolean, batch: number): Promise<void> {
    const by = this.own.hasOriginal ? this.own : this.others;
    const isHead = index === this.#context.plan.modules.length;
    this.#original = isHead
      ? by.originalPerplexity(mixed)
      : by.runOriginal(index, mixed, batch).then(() => undefined);
    this.#original.catch(() => {}); // thrown where it is awaited
    if (this.own.hasOriginal) await this.#original;
  }

  /** After the head's sums. */
  async originalPerplexity(): Promise<Perplexity> {
    const perplexity = await this.#original;
    assert(perplexity, 'the original model has not come to the head');
    return perplexity;
  }

  /**
   * Advances everyone's states through a module whose linears are quantized. Workers take what they were not given
   * from the work directory.
   * @returns the relative error of the first rows.
   */
  async advance(index: number, mixed: boolean, batch: number): Promise<number> {
    const { gpu, plan, quantizer } = this.#context;
    const errors: RowError[] = [];
    const others = this.others.advance(index, mixed);
    others.catch(() => {}); // thrown when it is awaited
    const ran = (run: ModuleRun) => noteErrors(gpu, run, this.own.expected, errors);
    await this.#pool.leader.during(`advances ${plan.modules[index]!.key}`, async () => {
      try {
        await this.own.advance(index, mixed, batch, { ran });
      } catch (error) {
        throw error instanceof OutOfMemoryError ? new SpoiledStatesError(error, batch) : error;
      }
    });
    await Promise.all([others, this.#original]);
    return relativeError(quantizer.method, errors);
  }

  async #sumAll(
    sums: HessianSums,
    pieces: Pieces,
    index: number,
    mixed: boolean,
    batch: number,
    seen: RowsSeen | undefined,
  ): Promise<void> {
    const { modules, head } = this.#context.plan;
    sums.clear();
    const own = this.#pool.leader.during(`runs ${(modules[index] ?? head).key}`, () =>
      this.own.sum(index, mixed, batch, seen),
    );
    const added = this.others.addSums(sums, pieces);
    const isHere = this.own.hasOriginal;
    const original = (isHere ? own : added).then(() => this.runOriginal(index, mixed, batch));
    original.catch(() => {}); // thrown where it is awaited
    await together(isHere ? [added, original] : [added, own]);
    sums.finish();
  }
}
