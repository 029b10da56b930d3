import type { InputKey, LinearSpec, ModelPlan } from '../../model/spec.ts';
import type { Perplexity } from '../../pass/perplexity.ts';
import type { HessianSums, SumPiece } from '../../pass/sums/hessian-sums.ts';
import type { RowPart } from '../../pass/sums/row-parts.ts';
import type { HostTensor } from '../../tensor/dtype.ts';
import { together } from '../../util/together.ts';
import { PIECES_UNDER_WAY } from './api.ts';
import type { RemoteWorker } from './worker-pool.ts';

/** What another worker has of the rows; maybe nothing. */
interface RowShare {
  readonly worker: RemoteWorker;
  readonly parts: readonly RowPart[];
}

/** Of each other worker that has rows. */
export type Pieces = Promise<readonly (readonly SumPiece[])[]>;

/**
 * The other workers in a quantization pass, as its leader asks them. The last one with rows has the original model's too: it
 * is idle while the leader adds the sums.
 */
export class RemoteRows {
  readonly #plan: ModelPlan;
  readonly #all: readonly RowShare[];
  readonly #withRows: readonly RowShare[];
  readonly #originalRows: number;
  #begun: Promise<unknown> = Promise.resolve();
  /** Linears on their way. */
  #given: Promise<unknown>[] = [];

  /** @param originalRows of the original model. */
  constructor(plan: ModelPlan, shares: readonly RowShare[], originalRows: number) {
    this.#plan = plan;
    this.#all = shares;
    this.#withRows = shares.filter(({ parts }) => parts.length > 0);
    this.#originalRows = originalRows;
  }

  get isEmpty(): boolean {
    return this.#withRows.length === 0;
  }

  /** Begins the pass; all other calls wait for it. */
  begin(): void {
    this.#begun = callAll(this.#all, ({ worker, parts }) => {
      const original = worker === this.#originalWorker ? this.#originalRows : 0;
      return worker.call('embeds', (api) => api.beginPass(parts, original));
    });
  }

  /** Has them sum their rows, for these inputs. */
  sum(index: number, inputs: readonly InputKey[], mixed: boolean): Pieces {
    return callAll(this.#withRows, async ({ worker }) => {
      await this.#begun;
      return worker.call(`runs ${this.#keyOf(index)}`, (api) => api.sumRows(index, inputs, mixed));
    });
  }

  /**
   * Adds what they have summed, as it comes; the next pieces are on their way meanwhile. In which order they come
   * makes no difference: of each half there are two sums at most.
   */
  async addSums(sums: HessianSums, pieces: Pieces): Promise<void> {
    const given = await pieces;
    await together(this.#withRows.map(({ worker }, i) => addPieces(sums, worker, given[i]!)));
  }

  /** Runs the original model's rows through a module. */
  async runOriginal(index: number, mixed: boolean): Promise<void> {
    await this.#begun;
    const doing = `runs the original of ${this.#keyOf(index)}`;
    await this.#originalWorker!.call(doing, (api) => api.runOriginal(index, mixed));
  }

  /** The original model's, after all modules. */
  originalPerplexity(mixed: boolean): Promise<Perplexity> {
    const doing = "takes the original's perplexity";
    return this.#originalWorker!.call(doing, (api) => api.originalPerplexity(mixed));
  }

  /** Gives a linear that is quantized to those that have rows, except the one that made it. */
  give(index: number, { name, key }: LinearSpec, tensors: readonly HostTensor[], maker?: RemoteWorker): void {
    const others = this.#withRows.filter(({ worker }) => worker !== maker);
    this.#given.push(
      callAll(others, ({ worker }) =>
        worker.call(`takes ${key}`, (api) => api.takeLinear(index, name, tensors)),
      ),
    );
  }

  /** Advances their rows through a module. Linears that they were not given are in the work directory. */
  async advance(index: number, mixed: boolean): Promise<void> {
    const given = this.#given;
    this.#given = [];
    await this.#begun;
    const advanced = callAll(this.#withRows, ({ worker }) =>
      worker.call(`advances ${this.#keyOf(index)}`, (api) => api.advanceRows(index, mixed)),
    );
    await Promise.all([...given, advanced]);
  }

  #keyOf(index: number): string {
    return (this.#plan.modules[index] ?? this.#plan.head).key;
  }

  get #originalWorker(): RemoteWorker | undefined {
    return this.#withRows.at(-1)?.worker;
  }
}

async function addPieces(
  sums: HessianSums,
  worker: RemoteWorker,
  pieces: readonly SumPiece[],
): Promise<void> {
  const reading: Promise<Uint8Array<ArrayBuffer>>[] = [];
  const read = (piece: SumPiece | undefined) => {
    if (!piece) return;
    const bytes = worker.call('sends sums', (api) => api.readSum(piece));
    bytes.catch(() => {}); // thrown when its turn comes
    reading.push(bytes);
  };
  for (const piece of pieces.slice(0, PIECES_UNDER_WAY)) read(piece);
  for (const [i, piece] of pieces.entries()) {
    // Nothing holds on to it afterwards.
    const bytes = await reading.shift()!;
    await sums.addPiece(piece, bytes);
    worker.release(bytes);
    read(pieces[i + PIECES_UNDER_WAY]);
  }
}

/** Asks all of them at once. Rejections come when it is awaited. */
function callAll<T>(shares: readonly RowShare[], work: (share: RowShare) => Promise<T>): Promise<T[]> {
  const calls = Promise.all(shares.map(work));
  calls.catch(() => {});
  return calls;
}
