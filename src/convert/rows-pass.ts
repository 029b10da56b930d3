import type { CalibrationRows, RowShape } from '../calibration/rows.ts';
import type { Scope } from '../gpu/scope.ts';
import { triangleSize } from '../kernels/linalg/add_triangle.ts';
import type { LinearInput } from '../model/architectures/architecture.ts';
import { embedTokens } from '../model/embedding.ts';
import type { ModelPlan, ModuleSpec } from '../model/plan.ts';
import { inputSizes } from '../model/sizes.ts';
import type { HiddenStates } from '../model/states.ts';
import { OutOfMemoryError } from '../util/errors.ts';
import { together } from '../util/together.ts';
import { withFittingBatch } from './batch-size.ts';
import { advance, type BlockRun, inputsFit, type LoadedModule, roundsToHalf } from './capture.ts';
import type { StageContext } from './context.ts';
import { mean, noteErrors } from './errors-by-row.ts';
import { quantizingNeed } from './gpu-need.ts';
import { HessianSums, type SumPiece } from './hessian-sums.ts';
import { ModuleLoader } from './module-loader.ts';
import { newStates } from './new-states.ts';
import { OriginalRows } from './original-rows.ts';
import type { HeadModel, Perplexity } from './perplexity.ts';
import { PIECES_UNDER_WAY } from './pool/api.ts';
import type { Crew, Helper } from './pool/crew.ts';
import { type RowPart, rowParts, shareParts } from './row-parts.ts';
import { type BatchInputs, type InputSource, runRows, sumParts } from './sum-rows.ts';
import { passingRows } from './work-estimate.ts';

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
export interface SumRequest {
  readonly index: number;
  readonly key: string;
  readonly sizes: ReadonlyMap<LinearInput, number>;
  source(mixed: boolean): InputSource;
  /** Sees the first rows. */
  seen?(batch: BatchInputs): void;
  /** Has the original model go on, with these sums' precision: see {@link RowsPass.runOriginal}. */
  original(mixed: boolean): Promise<unknown>;
}

/** What helpers have been asked to sum. */
interface Asked {
  readonly index: number;
  readonly mixed: boolean;
  /** Of each helper that has rows. */
  readonly pieces: Promise<readonly (readonly SumPiece[])[]>;
}

/**
 * Bytes a second at which a helper's sums come to be added: read back, written, read and written by two processes, a
 * piece after the other (an H200 and a virtual machine's memory, 2026-11-23).
 */
const SUM_BYTES_PER_SECOND = 2.5e9;

/** Whether running rows takes longer than sending their sums. */
function sharingPays(plan: ModelPlan, rows: RowShape, speeds: readonly number[]): boolean {
  const together = speeds.reduce((a, b) => a + b, 0);
  const saved = passingRows(plan, rows) * (1 / speeds[0]! - 1 / together);
  const bytes = plan.modules.reduce(
    (sum, module) => [...inputSizes(module).values()].reduce((all, k) => all + 4 * triangleSize(k), sum),
    0,
  );
  return saved > ((speeds.length - 1) * bytes) / SUM_BYTES_PER_SECOND;
}

/** What a helper has of the rows; maybe nothing. */
interface Share {
  readonly helper: Helper;
  readonly parts: readonly RowPart[];
}

/**
 * The states of the quantization pass, shared by rows among the crew. The leader has the first ones. The original
 * model's, which nothing waits for, has the last helper with rows: it is idle while the leader adds the sums.
 */
export class RowsPass {
  /** What the quantized modules so far have made of the leader's rows; changed in place. */
  readonly quantized: HiddenStates;
  /** What a module makes of the first of them as it is. */
  readonly expected: HiddenStates;
  readonly #context: StageContext;
  readonly #crew: Crew;
  readonly #rows: CalibrationRows;
  readonly #parts: readonly RowPart[];
  readonly #others: readonly Share[];
  /** On as many of the first rows perplexity is taken. */
  readonly #firstRows: number;
  /** Undefined where a helper has them. */
  readonly #original: OriginalRows | undefined;
  #originalRun: Promise<unknown> = Promise.resolve();
  #begun: Promise<unknown> = Promise.resolve();
  #asked: Asked | undefined;
  readonly #sumMemory = new Map<LinearInput, Uint8Array<ArrayBuffer>>();
  readonly #loader: ModuleLoader;

  /** @param firstRows as many rows as perplexity and errors are taken on. */
  constructor(context: StageContext, crew: Crew, rows: CalibrationRows, firstRows: number) {
    const { helpers, leader } = crew;
    const speeds = [leader, ...helpers].map(({ speed }) => speed);
    const alone = [leader.speed, ...helpers.map(() => 0)];
    const pays = sharingPays(context.plan, rows, speeds);
    const [own, ...others] = shareParts(rowParts(rows.rows), pays ? speeds : alone);
    this.#context = context;
    this.#crew = crew;
    this.#rows = rows;
    this.#parts = own!;
    this.#loader = new ModuleLoader(context, rows.length);
    this.#others = helpers.map((helper, i) => ({ helper, parts: others[i]! }));
    const count = Math.min(firstRows, rows.rows);
    const need = quantizingNeed(context.plan, { rows: count, length: rows.length }, context.quantizer);
    const counts = [Math.max(count, own!.at(-1)!.end), count];
    const hasOriginal = this.#withRows.length === 0;
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

  /** Helpers may come to it later. */
  async start(): Promise<void> {
    const { gpu, source, plan } = this.#context;
    const { ids } = this.#rows;
    this.#begun = this.#call(this.#others, ({ helper, parts }) => {
      const original = helper === this.#originalHelper ? this.#firstRows : 0;
      return helper.call('embeds', (api) => api.beginPass(parts, original));
    });
    const embedded = [this.quantized, ...(this.#original?.states.slice(0, 1) ?? [])];
    await withFittingBatch(gpu, 1, 'the embedding', this.states, () =>
      embedTokens(
        gpu,
        source,
        plan,
        embedded.map((states) => ({ ids, states })),
      ),
    );
  }

  /** Runs `work` with a module's weights, which belong to `scope`. */
  withModule<T>(module: ModuleSpec, work: (scope: Scope, loaded: LoadedModule) => Promise<T>): Promise<T> {
    return this.#loader.use(module, work);
  }

  /** Asks the helpers for the sums of a module that {@link sum} will want, before its weights are here. */
  expectSums(index: number, key: string): void {
    this.#asked = this.#ask(index, key, roundsToHalf(this.#context.gpu));
  }

  /** Sums xᵀx of all rows; the squares and totals belong to `scope`. */
  async sum(
    scope: Scope,
    batch: number,
    request: SumRequest,
  ): Promise<{ sums: HessianSums; mixed: boolean }> {
    const { gpu } = this.#context;
    const sums = new HessianSums(gpu, scope, request.key, request.sizes, this.#sumMemory);
    const mixed = roundsToHalf(gpu);
    await this.#sumWith(sums, batch, request, mixed);
    if (!mixed || (await inputsFit(gpu, sums.squares))) return { sums, mixed };
    await this.#sumWith(sums, batch, request, false);
    return { sums, mixed: false };
  }

  /**
   * Runs the original model's rows through a module.
   * @param loaded as it is, with the precision that its inputs allow. @param batch rows, where the leader does it.
   */
  async runOriginal(index: number, loaded: LoadedModule, batch: number): Promise<void> {
    const { mixed } = loaded.forward;
    if (this.#original) return this.#original.run(index, loaded, batch);
    await this.#begun;
    const doing = `runs the original of ${loaded.module.key}`;
    await this.#originalHelper!.call(doing, (api) => api.runOriginal(index, mixed));
  }

  /** The original model's, after all modules. */
  async originalPerplexity(model: HeadModel): Promise<Perplexity> {
    const { mixed } = model.forward;
    return this.#original
      ? this.#original.perplexity(model)
      : this.#originalHelper!.call("takes the original's perplexity", (api) => api.originalPerplexity(mixed));
  }

  /**
   * Advances everyone's states through a module whose tensors are finished.
   * @param written when they are in the work directory, from where helpers take them.
   * @returns the mean over the first rows of ‖output − expected‖ / ‖expected‖.
   */
  async advance(
    index: number,
    loaded: LoadedModule,
    batch: number,
    written: Promise<void> = Promise.resolve(),
  ): Promise<number> {
    const { key } = loaded.module;
    const errors: number[] = [];
    const others = this.#call(this.#withRows, async ({ helper }) => {
      await Promise.all([this.#begun, written]);
      return helper.call(`advances ${key}`, (api) => api.advanceRows(index));
    });
    // Writing what helpers wait for should not share the processor with reading what nobody needs yet.
    this.#loader.loadAhead(this.#context.plan.modules[index + 1], this.quantized, written);
    const compare = (run: BlockRun) => noteErrors(this.#context.gpu, run, this.expected, errors);
    const own = advance(this.#context, loaded, this.quantized, this.quantized, batch, compare);
    const told = own.catch((error) => {
      throw error instanceof OutOfMemoryError ? new SpoiledStatesError(error, batch) : error;
    });
    await this.#crew.leader.during(`advances ${key}`, () => told);
    await Promise.all([others, this.#originalRun]);
    return mean(errors);
  }

  async free(): Promise<void> {
    await this.#loader.free();
    for (const each of this.states) each.free();
  }

  async #sumWith(sums: HessianSums, batch: number, request: SumRequest, mixed: boolean): Promise<void> {
    const { index, key } = request;
    const source = request.source(mixed);
    const seen = (inputs: BatchInputs) => {
      if (inputs.start < this.expected.rows) request.seen?.(inputs);
    };
    const isAsked = this.#asked?.index === index && this.#asked.mixed === mixed;
    const { pieces } = isAsked ? this.#asked! : this.#ask(index, key, mixed);
    this.#asked = undefined;
    sums.clear();
    const own = this.#crew.leader.during(`runs ${key}`, async () => {
      const { quantized } = this;
      await sumParts(this.#context, source, quantized, this.#parts, batch, sums, seen);
      const rest = { start: this.#parts.at(-1)!.end, end: quantized.rows };
      if (request.seen) await runRows(this.#context, source, quantized, rest, batch, undefined, seen);
    });
    const added = this.#addOthers(sums, pieces);
    const isHere = this.#original !== undefined;
    const original = (isHere ? own : added).then(() => request.original(mixed));
    original.catch(() => {}); // thrown where it is awaited
    this.#originalRun = original;
    await together(isHere ? [added, original] : [added, own]);
    sums.finish();
  }

  #ask(index: number, key: string, mixed: boolean): Asked {
    const pieces = this.#call(this.#withRows, async ({ helper }) => {
      await this.#begun;
      return helper.call(`runs ${key}`, (api) => api.sumRows(index, mixed));
    });
    return { index, mixed, pieces };
  }

  /** Adds what helpers have summed, as it comes; the next piece is on its way meanwhile. */
  async #addOthers(sums: HessianSums, asked: Asked['pieces']): Promise<void> {
    const given = await asked;
    const all = this.#withRows.flatMap(({ helper }, i) => given[i]!.map((piece) => ({ helper, piece })));
    const reading: Promise<Uint8Array<ArrayBuffer>>[] = [];
    const read = ({ helper, piece }: (typeof all)[number]) => {
      const bytes = helper.call('sends sums', (api) => api.readSum(piece));
      bytes.catch(() => {}); // thrown when its turn comes
      reading.push(bytes);
    };
    for (const [i, { helper, piece }] of all.entries()) {
      for (const next of all.slice(reading.length, i + PIECES_UNDER_WAY)) read(next);
      const bytes = await reading[i]!;
      await sums.addPiece(piece, bytes);
      helper.release(bytes);
    }
  }

  get #originalHelper(): Helper | undefined {
    return this.#withRows.at(-1)?.helper;
  }

  get #withRows(): readonly Share[] {
    return this.#others.filter(({ parts }) => parts.length > 0);
  }

  /** Asks all of them at once. Rejections come when it is awaited. */
  #call<T>(shares: readonly Share[], work: (share: Share) => Promise<T>): Promise<T[]> {
    const calls = Promise.all(shares.map(work));
    calls.catch(() => {});
    return calls;
  }
}
